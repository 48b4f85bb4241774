"""The live GMS that tests record."""

import socket
from contextlib import closing
from urllib.parse import urlsplit

from gms_replay.errors import OptionError

_PORTS = {"http": 80, "https": 443}
_PATIENCE_S = 10


def require_reachable(url: str) -> None:
    """Raise OptionError where nobody listens at a GMS's URL: said before the test, which would see a broken answer."""
    parts = urlsplit(url)
    try:
        place = (parts.hostname or "", parts.port or _PORTS[parts.scheme])
        with closing(socket.create_connection(place, _PATIENCE_S)):
            return
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    raise OptionError(f"--gms-upstream {url}: cannot be reached: {reason}; does it run, and is its address right?")
