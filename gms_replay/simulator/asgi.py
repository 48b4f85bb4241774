"""The simulated GMS as a plain ASGI app."""

import gzip
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from gms_replay.model import Headers, header
from gms_replay.simulator.call import Answer, Call, refusal_answer
from gms_replay.simulator.callback import Callbacks
from gms_replay.simulator.chance import Chance
from gms_replay.simulator.comet import Comet
from gms_replay.simulator.cors import allowance, preflight
from gms_replay.simulator.desk import Desk
from gms_replay.simulator.desk2 import Desk2
from gms_replay.simulator.ids import Ids
from gms_replay.simulator.polling import poll
from gms_replay.simulator.pushes import Pushes
from gms_replay.simulator.reception import Reception
from gms_replay.simulator.refusals import RefusalError, Wrong
from gms_replay.simulator.routes import Routes
from gms_replay.simulator.services import Service, Services, State
from gms_replay.simulator.settings import Settings
from gms_replay.simulator.slots import Slots
from gms_replay.simulator.sockets import converse
from gms_replay.simulator.steps import Steps, wake_up
from gms_replay.simulator.tasks import Tasks
from gms_replay.simulator.waiting import Waiting

BASE_PATH = "/genesys"

_COMET_SUFFIXES = ((), ("",), ("handshake",), ("connect",), ("disconnect",))
_BODY_AT_MOST = 1 << 20
_GZIP_ABOVE = 512

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class SimulatedGms:
    """A GMS below `/genesys`. It takes HTTP and WebSocket scopes; `close` sends agents and held polls home."""

    def __init__(self, settings: Settings) -> None:
        chance = Chance(settings.seed, quick=settings.quick)
        now_us = settings.now_us
        self._tasks = Tasks()
        self._ids = Ids(chance.source)
        reception = Reception(chance, self._tasks, now_us, settings.version)
        desk2 = Desk2(self._ids, reception, now_us)
        self._comet = Comet(
            self._ids,
            self._tasks,
            desk2.hear,
            timeout_s=settings.poll_timeout_s,
            max_interval_s=settings.max_interval_s,
        )
        self._pushes = Pushes(settings.pushes, self._tasks, chance, now_us)
        services = Services()
        waiting = Waiting(self._tasks, chance, now_us, self._wake)
        steps = Steps(
            services,
            waiting,
            chance,
            now_us,
            version=settings.version,
            trailing_comma=settings.trailing_comma,
        )
        slots = Slots(services, settings.office_hours, now_us)
        self._routes = Routes(
            services=services,
            callbacks=Callbacks(services, steps, waiting, slots, self._ids, now_us),
            steps=steps,
            desk=Desk(self._comet, self._ids, reception),
            desk2=desk2,
            slots=slots,
            configured=settings.services,
            now_us=now_us,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            if _is_comet(call := _call(scope, b"")):
                await converse(self._comet, call.caller, receive, send)
            else:
                await send({"type": "websocket.close"})
            return
        body = await _read(receive)
        if body is None:
            return
        call = _call(scope, body)
        answer = preflight(call) or await self._answer(scope["path"], call, receive)
        if answer is not None:
            await _write(send, answer, allowance(call), header(call.headers, "accept-encoding") or "")

    async def close(self) -> None:
        """Answer what is held, end what goes on by itself, and start nothing new."""
        self._comet.close()
        await self._tasks.close()
        await self._pushes.close()

    def _wake(self, service: Service) -> None:
        turn = service.turn
        self._pushes.send(service, wake_up(service), lambda: service.state is State.ROUTING and service.turn == turn)

    async def _answer(self, path: str, call: Call, receive: Receive) -> Answer | None:
        try:
            if len(call.body) > _BODY_AT_MOST:
                raise RefusalError(413, Wrong.SIZE, "The body is too large")
            if path != BASE_PATH and not path.startswith(f"{BASE_PATH}/"):
                raise RefusalError(404, Wrong.PATH, f"No resource {path}")
            if _is_comet(call):
                return await poll(self._comet, self._ids, call, partial(_peer_gone, receive))
            return self._routes.answer(call)
        except RefusalError as refusal:
            return refusal_answer(refusal)


def _is_comet(call: Call) -> bool:
    return call.parts[:1] == ("cometd",) and call.parts[1:] in _COMET_SUFFIXES


async def _read(receive: Receive) -> bytes | None:
    """A request's body, cut where it is too large; None where the peer went away before its end."""
    body = b""
    while len(body) <= _BODY_AT_MOST:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        body += event.get("body", b"")
        if not event.get("more_body", False):
            break
    return body


async def _peer_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _call(scope: Scope, body: bytes) -> Call:
    headers: Headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    host = header(headers, "host") or ":".join(str(part) for part in scope["server"])
    below = scope["path"].removeprefix(BASE_PATH).removeprefix("/")
    client = scope.get("client")
    return Call(
        address=client[0] if client else "",
        method=scope.get("method", "GET"),
        base_url=f"{scope['scheme']}://{host}{BASE_PATH}",
        parts=tuple(below.split("/")) if below else (),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
    )


async def _write(send: Send, answer: Answer, more: Headers, accepted: str) -> None:
    body = answer.body
    headers = [("content-type", answer.content_type), *answer.headers, *more]
    if len(body) > _GZIP_ABOVE and "gzip" in accepted.lower():
        body = gzip.compress(body, mtime=0)
        headers += [("content-encoding", "gzip"), ("vary", "Accept-Encoding")]
    headers.append(("content-length", str(len(body))))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
