"""Replays a cassette to an app where there is no network but loopback. Run in a network namespace of its own.

CASSETTE VISIT: served by `gms-replay serve`, visited by the tests' app.
"""

import asyncio
import fcntl
import re
import socket
import struct
import sys

import visitor

from gms_replay.mitmdump.process import listening, python

# netdevice(7), if.h
SIOCSIFFLAGS = 0x8914
IFF_UP, IFF_RUNNING = 0x1, 0x40
OUTSIDE = ("192.0.2.1", 80)
"""An address of nobody's (RFC 5737)."""


def raise_loopback() -> None:
    """Sets up the one interface that a new namespace has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP | IFF_RUNNING))


def require_offline() -> None:
    """Ends here where there is a way out."""
    names = [name for _, name in socket.if_nameindex()]
    assert names == ["lo"], f"not a namespace of its own: {names}"
    try:
        socket.create_connection(OUTSIDE, timeout=5).close()
    except OSError:
        return
    raise AssertionError("there is a way out")


def main() -> None:
    cassette, visit = sys.argv[1:]
    raise_loopback()
    require_offline()
    server = python("gms_replay.cli", "serve", cassette, "--port", "0")
    with listening(server, re.compile(r"into the app: (http://\S+)")) as (url,):
        asyncio.run(visitor.visit(url, visit, device=visitor.Device.DEAF))


if __name__ == "__main__":
    main()
