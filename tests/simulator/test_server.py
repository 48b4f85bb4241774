import json
import signal
import subprocess
import sys

import pytest

from gms_replay.errors import OptionError
from gms_replay.simulator.server import serve
from gms_replay.simulator.settings import Settings

PROGRAM = """
from gms_replay.simulator.server import serve
from gms_replay.simulator.settings import Settings
serve("127.0.0.1", 0, Settings(quick=True), lambda url: print(url, flush=True))
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_held_polls(apps, number):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        app = apps(process.stdout.readline().strip())
        app.open_comet()
        app.start_chat()
        app.comet({"channel": "/meta/unsubscribe", "clientId": app.client_id, "subscription": "/_genesys"})
        poll = app.begin_poll()
        process.send_signal(number)
        assert json.loads(poll.getresponse().read()) == [{"channel": "/meta/connect", "id": "c", "successful": True}]
        poll.close()
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "ended\n", "")


def test_taken_port_is_named(app):
    port = int(app.base_url.split(":")[2].split("/")[0])
    with pytest.raises(OptionError, match=f"127.0.0.1 port {port} cannot be served on"):
        serve("127.0.0.1", port, Settings(), print)
