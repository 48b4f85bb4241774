import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import factories
import httpx
import pytest
from serving import served

from gms_replay.cassette.copy import write
from gms_replay.errors import OptionError
from gms_replay.player import Player
from gms_replay.replay.asgi import ReplayApp
from gms_replay.replay.aside import Aside
from gms_replay.replay.server import ReplayServer
from gms_replay.replay.wall import wall_clock_us
from gms_replay.story import compile_stories

# An outward connect ends the process with 3, whatever would become of it. uvloop would dial without Python's knowledge.
NO_DIALLING = """
import os, sys
sys.modules["uvloop"] = None
sys.addaudithook(lambda event, args: event in ("socket.connect", "socket.getaddrinfo") and os._exit(3))
"""
SERVE = """
from gms_replay.cli.main import main
main(["serve", sys.argv[1], "--port", "0"])
"""
DIAL = """
import asyncio
asyncio.run(asyncio.open_connection(sys.argv[1], 9))
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_dialling_would_be_seen(host: str) -> None:
    ended = subprocess.run([sys.executable, "-c", NO_DIALLING + DIAL, host], check=False)

    assert ended.returncode == 3


def test_dials_nowhere_and_ends_well(tmp_path: Path) -> None:
    write(tmp_path / "visit.sqlite", factories.visit())
    command = [sys.executable, "-c", NO_DIALLING + SERVE, str(tmp_path / "visit.sqlite")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = next(line for line in process.stdout if "into the app" in line).split()[-1]
        with httpx.Client(headers={"gms_user": "bob"}, trust_env=False) as app:
            app.post(f"{url}/1/service/callback/sales", json=factories.ORDER).raise_for_status()
            dialog = app.post(url.removesuffix("/genesys") + factories.CHAT_DIALOG).json()
            app.post(dialog["_comet_url"], json=[{"channel": "/meta/handshake", "version": "1.0"}]).raise_for_status()
            assert app.get(f"{url}/1/nowhere").status_code == 404
        process.send_signal(signal.SIGTERM)

    assert process.returncode == 0


def test_end_frees_held_polls() -> None:
    with served(factories.visit()) as server, httpx.Client(trust_env=False, timeout=20) as app:
        [shaken] = app.post(f"{server.base}/cometd", json=[{"channel": "/meta/handshake", "version": "1.0"}]).json()
        poll = {"channel": "/meta/connect", "clientId": shaken["clientId"], "connectionType": "long-polling"}
        app.post(f"{server.base}/cometd", json=[poll])
        host, _, port = server.origin.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as held:
            body = json.dumps([poll]).encode()
            held.sendall(b"POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            while not server.player.sessions[0].comet.is_polled:
                app.get(f"{server.base}/1/nowhere")
            held.settimeout(20)
            server.stop()
            answer = held.recv(100)

    assert answer.startswith(b"HTTP/1.1 503 ")


def test_taken_port_is_named() -> None:
    app = ReplayApp(Player(compile_stories(factories.visit())), clock=wall_clock_us, note=print)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OptionError, match=f"127.0.0.1 port {port} cannot be served on: .*--port 0"):
            ReplayServer(app, Aside(), "127.0.0.1", port, announce=print)
