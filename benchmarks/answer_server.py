"""What `throughput.py` measures, in a process of its own: the player, or an ASGI app that does as little as it takes.

    python answer_server.py player|bare|profiled

Prints its port, and ends with its standard input. `profiled` is the player, too, and at its end prints in which modules
it was. Both are served by uvicorn with the same settings, and answer QUERY with as many bytes: a callback's record with
two instants and a URL of the player's.
"""

import json
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import Any

import uvicorn

from gms_replay.model import Body, Exchange, Outcome, Recording, Request, Response, Run
from gms_replay.player import Player
from gms_replay.replay.asgi import ReplayApp
from gms_replay.replay.server import spare_collector
from gms_replay.replay.wall import wall_clock_us
from gms_replay.story import compile_stories

CALLBACK = "/genesys/1/service/callback/sales"
QUERY = f"{CALLBACK}?operand=AND&_customer_number=5551234"
SERVICE = "3SQI3S31693JL9L3R0O5O6T4OC000U73"
RECORD = json.dumps(
    {
        "_id": SERVICE,
        "_callback_state": "SCHEDULED",
        "_customer_number": "5551234",
        "_desired_time": "2014-05-02T16:45:00.000Z",
        "_expires": "2014-05-02T16:57:40Z",
        "_resource_url": f"http://gms.example:8080/genesys/1/service/{SERVICE}/get-dialog-user-confirmation",
        "_media_type": "voice",
        "_text": "We will notify you when an agent is available. " * 4,
    }
).encode()
_HEADERS = (("Content-Type", "application/json;charset=UTF-8"), ("Cache-Control", "no-store"))
_LOOK_EVERY_S = 0.001
_START_US = 1_399_048_050_000_000


def recording() -> Recording:
    """A callback, and its record."""
    exchanges = []
    asked = (("POST", CALLBACK, b'{"_id":"%s"}' % SERVICE.encode()), ("GET", QUERY, RECORD))
    for number, (method, target, body) in enumerate(asked, start=1):
        at_us = _START_US + number * 1000
        named = (("Host", "gms.example:8080"), ("gms_user", "recorded@example.com"))
        request = Request(
            method, "http", "gms.example", 8080, target, "HTTP/1.1", named, Body(), at_us, at_us, "192.0.2.7:50000"
        )
        response = Response(200, "OK", "HTTP/1.1", _HEADERS, Body(body), at_us, at_us)
        exchanges.append(Exchange(number, 1, request, Outcome(at_us, response)))
    return Recording((Run(1, _START_US, "reverse", None, ()),), tuple(exchanges))


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """Reads what is asked, and answers."""
    while (await receive()).get("more_body"):
        pass
    headers = [(name.lower().encode(), value.encode()) for name, value in _HEADERS]
    length = (b"content-length", b"%d" % len(RECORD))
    await send({"type": "http.response.start", "status": 200, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": RECORD})


@contextmanager
def profiled() -> Iterator[None]:
    """Looks where the process is while it uses the CPU, and prints the shares of the modules."""
    found: Counter[str] = Counter()

    def look(_: int, frame: FrameType | None) -> None:
        found[str(frame.f_globals.get("__name__")) if frame else ""] += 1

    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, _LOOK_EVERY_S, _LOOK_EVERY_S)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    for module, count in found.most_common():
        print(f"{count / found.total():.3f} {module}")


def main() -> None:
    """Serves until its input ends."""
    player = Player(compile_stories(recording()))
    app = bare if sys.argv[1] == "bare" else ReplayApp(player, clock=wall_clock_us, note=lambda text: None)
    listening = socket.create_server(("127.0.0.1", 0))
    settings: dict[str, Any] = {"http": "httptools", "ws": "none", "lifespan": "off", "access_log": False}
    quiet = {"date_header": False, "server_header": False, "log_level": "warning"}
    server = uvicorn.Server(uvicorn.Config(app, **settings, **quiet, timeout_graceful_shutdown=1))

    def end() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=end, daemon=True).start()
    spare_collector()
    print(listening.getsockname()[1], flush=True)
    with profiled() if sys.argv[1] == "profiled" else nullcontext():
        server.run([listening])


if __name__ == "__main__":
    main()
