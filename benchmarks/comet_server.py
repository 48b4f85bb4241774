"""What `comet.py` measures, in a process of its own: the player, or an ASGI app that does as little as it takes.

    python comet_server.py player|bare GAP_S

Prints its port, and ends with its standard input. Both are served by uvicorn with the same settings. A visit is a
callback, a Comet session, and one message GAP_S after the callback was asked for.
"""

import asyncio
import json
import socket
import sys
import threading
import time
from typing import Any

import uvicorn

from gms_replay.model import (
    Body,
    Direction,
    Exchange,
    Message,
    Outcome,
    Recording,
    Request,
    Response,
    Run,
    Transport,
)
from gms_replay.player import Player
from gms_replay.replay.asgi import ReplayApp
from gms_replay.replay.server import spare_collector
from gms_replay.replay.wall import wall_clock_us
from gms_replay.story import compile_stories

CALLBACK = "/genesys/1/service/callback/sales"
COMET = "/genesys/cometd"
SERVICE = "3SQI3S31693JL9L3R0O5O6T4OC000U73"
EVENT = (
    b'{"data":{"message":{"startedAt":"2014-05-02T16:27:45Z","chatIxnState":"TRANSCRIPT","chatSessionId":'
    b'"000FRa9NYM9A001K","transcriptToShow":[["Message.Text","Kristi","Hello.","17","AGENT"]],"transcriptPosition":"3"},'
    b'"id":"b7dd6460d21611e3000010932938a0ff","tag":"service.chat.refresh.%s"},"channel":"/_genesys"}'
    % SERVICE.encode()
)
_START_US = 1_399_048_050_000_000


def recording(gap_s: float) -> Recording:
    """A callback, a handshake, and a poll that brings the message."""
    comet = {"clientId": "4z1kz6bu5k1ewpj0h6dv1xkaa", "successful": True}
    shaken = json.dumps({"channel": "/meta/handshake"} | comet).encode()
    asked = (
        (1, CALLBACK, 0.0, 0.0, b'{"_id":"%s"}' % SERVICE.encode(), ()),
        (2, COMET, 0.1, 0.0, b"[%s]" % shaken, ((b"/meta/handshake", shaken),)),
        (3, COMET, 0.2, gap_s - 0.2, b"[%s]" % EVENT, ((b"/_genesys", EVENT),)),
    )
    exchanges, messages = [], []
    for number, target, at_s, takes_s, body, told in asked:
        asked_us = _START_US + round(at_s * 1e6)
        answered_us = asked_us + round(takes_s * 1e6)
        headers = (("gms_user", "recorded@example.com"),)
        request = Request(
            "POST", "http", "gms.example", 80, target, "HTTP/1.1", headers, Body(b"[]"), asked_us, asked_us, "::1:1"
        )
        response = Response(200, "OK", "HTTP/1.1", (), Body(body), answered_us, answered_us)
        exchanges.append(Exchange(number, 1, request, Outcome(answered_us, response, None)))
        for channel, raw in told:
            place = (len(messages) + 1, number, Direction.TO_CLIENT, Transport.LONG_POLLING, answered_us, 0)
            messages.append(Message(*place, channel.decode(), raw))
    run = Run(1, _START_US, "reverse", None, ())
    return Recording((run,), tuple(exchanges), tuple(messages))


class Bare:
    """Holds and releases as many polls, and knows nothing: one dictionary, one timer for each."""

    def __init__(self, gap_s: float) -> None:
        self._gap_s = gap_s
        self._due_s: dict[str, float] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (event := await receive()).get("more_body"):
            body += event["body"]
        body += event["body"]
        user = dict(scope["headers"])[b"gms_user"].decode()
        answer = [{"_id": SERVICE}]
        if scope["path"] == CALLBACK:
            self._due_s[user] = time.time() + self._gap_s
        else:
            (message,) = json.loads(body)
            answer = [{"channel": message["channel"], "id": message["id"], "clientId": user, "successful": True}]
            if "advice" in message:
                timeout_s = message["advice"]["timeout"] / 1000
                due_s = self._due_s.get(user, 0) - time.time()
                await asyncio.sleep(min(timeout_s, due_s) if due_s > 0 else timeout_s)
                if due_s > 0 and due_s < timeout_s:
                    del self._due_s[user]
                    answer = [json.loads(EVENT), *answer]
        told = json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(told))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": told})


def main() -> None:
    """Serves until its input ends."""
    kind, gap_s = sys.argv[1], float(sys.argv[2])
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    player = Player(compile_stories(recording(gap_s)))
    app = Bare(gap_s) if kind == "bare" else ReplayApp(player, clock=wall_clock_us, note=lambda text: None)
    settings: dict[str, Any] = {"http": "httptools", "ws": "none", "lifespan": "off", "access_log": False}
    quiet = {"date_header": False, "server_header": False, "log_level": "warning", "timeout_keep_alive": 600}
    server = uvicorn.Server(uvicorn.Config(app, **settings, **quiet, timeout_graceful_shutdown=1))

    def end() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=end, daemon=True).start()
    if kind == "player":
        spare_collector()
    print(listening.getsockname()[1], flush=True)
    server.run([listening])


if __name__ == "__main__":
    main()
