"""The live GMS that tests record."""

import socket
from contextlib import closing

from gms_replay.base_url import BaseUrl
from gms_replay.errors import OptionError

_PATIENCE_S = 10


def require_reachable(url: BaseUrl) -> None:
    """Raise OptionError where nobody listens at a GMS's URL: said before the test, which would see a broken answer."""
    try:
        with closing(socket.create_connection((url.host, url.port), _PATIENCE_S)):
            return
    except OSError as error:
        reason = error.strerror or str(error)
    raise OptionError(f"--gms-upstream {url}: cannot be reached: {reason}; does it run, and is its address right?")
