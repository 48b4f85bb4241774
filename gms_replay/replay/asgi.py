"""The player as a plain ASGI app: it carries requests in and answers out, and wakes the player when it asks for it.

Everything happens in one event loop, so the player is never entered twice at once: where that has ended, or stands
still, another may take over. What is held is a future that some later action fulfils.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from typing import Protocol

from gms_replay import control, gms, limits
from gms_replay.access import Access
from gms_replay.addresses import PARAMETER
from gms_replay.errors import GmsReplayError
from gms_replay.events import (
    Action,
    Asked,
    Break,
    CloseSocket,
    DropPushes,
    Event,
    Logged,
    Noted,
    PeerGone,
    PushTaken,
    RequestArrived,
    Respond,
    SendPush,
    SendText,
    SocketOpened,
    TextArrived,
    Woke,
)
from gms_replay.limits import DEFAULT, Limits
from gms_replay.model import Headers, header
from gms_replay.player import Player
from gms_replay.replay import event_stream, wire
from gms_replay.replay.door import Door, Fate
from gms_replay.replay.sockets import Outbox
from gms_replay.replay.waiting import Waiting, hung_up
from gms_replay.replay.wire import Receive, Scope, Send

_TOO_BIG = 1009
_IS_BROUGHT = "gms_replay.is_brought"
"""What is noted in a scope: whether it is mitmproxy's connection, not the app's."""
_TEXT: Headers = (("content-type", "text/plain"), ("connection", "close"))

PassOn = Callable[[int, Asked], Awaitable[Respond]]
"""Gets the answer to a request, of that id, from elsewhere."""


class Devices(Protocol):
    """Who stands in for devices."""

    def take(self, push: SendPush) -> None:
        """Delivers a push, after those of its session that are on their way."""

    def drop(self, session: str) -> None:
        """Forgets the pushes of a session that are not on their way yet."""


class Witness(Protocol):
    """Who hears all that apps are told."""

    def answered(self, number: int, asked: Asked, answer: Respond, session: str | None) -> None:
        """An answer goes out; `number` grows with each request. `session`: whose it is, None where it is nobody's."""

    def said(self, frame: bytes, session: str | None) -> None:
        """A frame goes out over a WebSocket."""


class ReplayApp:
    """An ASGI app that plays. `clock` gives microseconds since 1970 UTC, `note` gets what the player finds odd.

    `log` gets what is as it should be: who plays what. `pass_on`: who answers what the player cannot; None for nobody.
    `devices` get each push for a device, `keep` each that came in. `door`: how mitmproxy brings requests, None where
    it does not. `session`: the one of requests that name none themselves, as `gms_session` has it; None for any.
    `limits`: what is refused; `access`: who may ask the player itself, None for this machine only.
    """

    def __init__(
        self,
        player: Player,
        *,
        clock: Callable[[], int],
        note: Callable[[str], None],
        log: Callable[[str], None] = lambda text: None,
        pass_on: PassOn | None = None,
        devices: Devices | None = None,
        keep: Callable[[PushTaken], None] = lambda taken: None,
        door: Door | None = None,
        session: str | None = None,
        witness: Witness | None = None,
        limits: Limits = DEFAULT,
        access: Access | None = None,
    ) -> None:
        self.limits = limits
        self._access = access or Access()
        self._session: Headers = ((PARAMETER, session),) if session else ()
        self._witness = witness
        self._log = log
        self._devices = devices
        self._keep = keep
        self._door = door
        self._player = player
        self._pass_on = pass_on
        self._passing: set[asyncio.Task[None]] = set()
        self._clock = clock
        self._note = note
        self._numbers = count(1)
        self._waiting: dict[int, Waiting] = {}
        self._sockets: dict[int, Outbox] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at_us: int | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._enter(asyncio.get_running_loop())
        asked, cors = wire.asked(scope)
        if self._door is not None:
            scope[_IS_BROUGHT] = self._door.brings(asked)
            asked = self._door.entered(asked)
        if self._session and header(asked.headers, PARAMETER) is None:
            asked = asked._replace(headers=asked.headers + self._session)
        admitted = self._access.admitted(asked) if control.is_meant(asked) else asked
        if scope["type"] == "websocket":
            await self._converse(admitted, scope, receive, send)
            return
        if asked.method == "OPTIONS" and header(asked.headers, "access-control-request-method"):
            await wire.respond(send, Respond(0, 200, (), b""), cors)
            return
        if isinstance(admitted, Respond):
            await wire.respond(send, admitted, cors)
            return
        if why := limits.why_query_too_much(asked.target, self.limits):
            await wire.respond(send, Respond(0, 414, _TEXT, why.encode()), cors)
            return
        asked, body = admitted, await wire.body(receive, self.limits.body_bytes)
        if body is None:
            self._log(f"{asked.method} {asked.target}: whoever asked hung up in the middle of it")
        elif why := self._why_too_much(body, asked):
            await wire.respond(send, Respond(0, 413, _TEXT, why.encode()), cors)
        elif event_stream.is_wanted(asked):
            await self._stream(asked, receive, send, cors)
        else:
            await self._answer(asked._replace(body=body) if body else asked, scope, receive, send, cors)

    def _why_too_much(self, body: bytes, asked: Asked) -> str | None:
        if not body:
            return None
        if len(body) > self.limits.body_bytes:
            return f"a body may have {self.limits.body_bytes} bytes"
        operation = gms.recognise(asked.method, asked.target, b"")
        takes_files = operation is None or operation.kind in gms.TAKE_FILES
        content_type = header(asked.headers, "content-type") if takes_files else None
        return limits.why_too_much(body, self.limits, content_type or "")

    def _enter(self, loop: asyncio.AbstractEventLoop) -> None:
        """Raises GmsReplayError where another loop is in here at the same time."""
        if loop is self._loop:
            return
        if self._loop is not None and self._loop.is_running():
            raise GmsReplayError(
                "the app is used in two event loops at once; give each a stage of its own, or use ReplayTransport, "
                "which any thread or task may ask"
            )
        if self._alarm is not None:
            # It would ring in the loop before, if ever.
            self._alarm.cancel()
        self._loop, self._alarm, self._alarm_at_us = loop, None, None

    def close(self) -> None:
        """Answers whatever is held, so that nobody waits for a server that ends. Sockets the server closes itself."""
        if self._alarm is not None:
            self._alarm.cancel()
        for task in self._passing:
            task.cancel()
        for request_id, waiting in self._waiting.items():
            waiting.answer(Respond(request_id, 503, _TEXT, b"the replay server is shutting down"))

    async def _answer(self, asked: Asked, scope: Scope, receive: Receive, send: Send, cors: Headers) -> None:
        """Hands a request in, and its answer out as soon as there is one, unless the app hangs up before."""
        request_id = next(self._numbers)
        answer = await self._ask(request_id, asked, receive)
        if isinstance(answer, Respond):
            if self._witness is not None:
                self._witness.answered(request_id, asked, answer, self._player.whose(request_id))
            ending = self._brought(scope, Fate.CUT) if answer.cut_at is not None else ()
            await wire.respond(send, answer, cors + ending)
            self._player.sent(request_id)
        elif answer is not None and (ending := self._brought(scope, Fate.RESET)):
            await wire.respond(send, Respond(request_id, 502, ending, b""), ())
            return
        if isinstance(answer, Break) or (answer is not None and answer.cut_at is not None):
            wire.break_off(scope, resets=isinstance(answer, Break))
            await hung_up(receive)

    def _brought(self, scope: Scope, fate: Fate) -> Headers:
        """What tells mitmproxy what is to become of an app's connection; nothing, where that is ours."""
        return self._door.end(fate) if self._door is not None and scope[_IS_BROUGHT] else ()

    async def _ask(self, request_id: int, asked: Asked, receive: Receive) -> Respond | Break | None:
        """The player's answer; None where the app hangs up before."""
        waiting = self._waiting[request_id] = Waiting()
        answer = None
        try:
            self._play(RequestArrived(request_id, asked))
            answer = waiting.answered or await waiting.come(receive)
            return answer
        finally:
            if not isinstance(answer, Respond):
                # Test clients hang up by cancelling this.
                self._play(PeerGone(request_id))
            del self._waiting[request_id]

    async def _stream(self, asked: Asked, receive: Receive, send: Send, cors: Headers) -> None:
        """Tells the pushes as they come, until the client hangs up or the server ends."""
        last: int | None = None
        is_begun = False
        while answer := await self._ask(next(self._numbers), event_stream.poll(asked, last, waits=is_begun), receive):
            assert isinstance(answer, Respond), "no fault befalls whoever asks the player itself"
            if answer.status != 200 and not is_begun:
                await wire.respond(send, answer, cors)
                return
            if not is_begun:
                head = wire.coded(event_stream.HEADERS + cors)
                await send({"type": "http.response.start", "status": 200, "headers": head})
                is_begun = True
            goes_on = answer.status == 200
            events, last = event_stream.told(answer.body, last) if goes_on else (b"", last)
            await send({"type": "http.response.body", "body": events, "more_body": goes_on})
            if not goes_on:
                return

    async def _converse(self, asked: Asked | Respond, scope: Scope, receive: Receive, send: Send) -> None:
        """Carries a WebSocket's messages in and out until one side ends it. `asked`: or why that is refused."""
        socket_id = next(self._numbers)
        outbox = self._sockets[socket_id] = Outbox()
        sending = asyncio.ensure_future(outbox.send_all(scope, send))
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                if message["type"] != "websocket.connect":
                    text = message.get("text")
                    self._hear(socket_id, message["bytes"] if text is None else text.encode())
                elif isinstance(asked, Respond):
                    outbox.put(asked)
                else:
                    self._play(SocketOpened(socket_id, asked))
                await outbox.room()
        finally:
            del self._sockets[socket_id]
            self._play(PeerGone(socket_id))
            sending.cancel()
            # The app may be gone in the middle of it.
            await asyncio.gather(sending, return_exceptions=True)

    def _hear(self, socket_id: int, text: bytes) -> None:
        why = limits.why_too_much(text, self.limits)
        if why is None:
            self._play(TextArrived(socket_id, text))
        else:
            self._play(PeerGone(socket_id))
            self._sockets[socket_id].put(CloseSocket(socket_id, _TOO_BIG, why))

    def _play(self, event: Event) -> None:
        now_us = self._clock()
        self._do(self._player.receive(event, now_us))
        at_us = self._player.next_wakeup_us()
        if at_us == self._alarm_at_us:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_at_us = None, at_us
        if at_us is not None:
            delay_s = max(0, at_us - now_us) / 1_000_000
            self._alarm = asyncio.get_running_loop().call_later(delay_s, self._wake)

    def _wake(self) -> None:
        self._alarm = self._alarm_at_us = None
        self._play(Woke())

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Respond):
                self._respond(action)
            elif isinstance(action, Noted):
                # Who passes it on says what came of that.
                if action.missed is None or not self._is_passed(action.missed):
                    self._note(action.text)
            elif isinstance(action, Logged):
                self._log(action.text)
            elif isinstance(action, SendPush):
                if self._devices is not None:
                    self._devices.take(action)
            elif isinstance(action, DropPushes):
                if self._devices is not None:
                    self._devices.drop(action.session)
            elif isinstance(action, PushTaken):
                self._keep(action)
            elif isinstance(action, Break):
                self._break(action)
            elif outbox := self._sockets.get(action.socket_id):
                if self._witness is not None and isinstance(action, SendText):
                    self._witness.said(action.text, self._player.whose(action.socket_id))
                outbox.put(action)

    def _respond(self, answer: Respond) -> None:
        if outbox := self._sockets.get(answer.request_id):
            outbox.put(answer)
        elif answer.missed is not None and self._pass_on is not None:
            task = asyncio.ensure_future(self._answer_from(self._pass_on(answer.request_id, answer.missed)))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)
        else:
            self._hand_out(answer)

    def _break(self, action: Break) -> None:
        if outbox := self._sockets.get(action.carrier_id):
            outbox.put(action)
        elif waiting := self._waiting.get(action.carrier_id):
            waiting.answer(action)

    def _is_passed(self, missed: int) -> bool:
        """Whether a miss is answered by somebody else; a WebSocket never is."""
        return self._pass_on is not None and missed not in self._sockets

    def _hand_out(self, answer: Respond) -> None:
        if waiting := self._waiting.get(answer.request_id):
            waiting.answer(answer)

    async def _answer_from(self, elsewhere: Awaitable[Respond]) -> None:
        self._hand_out(await elsewhere)
