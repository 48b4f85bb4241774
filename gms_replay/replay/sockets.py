"""What goes out over a WebSocket, in the order in which the player says it."""

import asyncio

from gms_replay.events import AcceptSocket, Break, CloseSocket, Respond, SendText
from gms_replay.replay.wire import Scope, Send, break_off, respond

_LONGEST_REASON_BYTES = 123  # RFC 6455, section 5.5

ForSocket = AcceptSocket | SendText | CloseSocket | Break | Respond
"""`Respond` refuses it."""

_MOST_WAITING = 64


class Outbox:
    """What waits to go out over one WebSocket. Whoever asks on, and does not take what it gets, is not heard."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[ForSocket] = asyncio.Queue()
        self._has_room = asyncio.Event()
        self._is_over = False

    def put(self, action: ForSocket) -> None:
        if not self._is_over:
            self._waiting.put_nowait(action)

    async def room(self) -> None:
        """Lets others have their turn, and waits until not too much is waiting, or nothing can go out any more."""
        if self._waiting.qsize() < _MOST_WAITING:
            await asyncio.sleep(0)
        else:
            self._has_room.clear()
            await self._has_room.wait()

    async def send_all(self, scope: Scope, send: Send) -> None:
        """Sends what is put in here, until that closes it, or the app is gone."""
        try:
            while await _sent(await self._waiting.get(), scope, send):
                if self._waiting.qsize() < _MOST_WAITING:
                    self._has_room.set()
        finally:
            self._is_over = True
            self._has_room.set()
            self._waiting = asyncio.Queue()


async def _sent(action: ForSocket, scope: Scope, send: Send) -> bool:
    """Sends it; False where nothing comes after it."""
    match action:
        case AcceptSocket():
            # Clients that asked for a subprotocol end a WebSocket that has none.
            await send({"type": "websocket.accept", "subprotocol": next(iter(scope.get("subprotocols", ())), None)})
        case SendText(_, text):
            await send({"type": "websocket.send", "text": text.decode()})
        case CloseSocket(_, code, reason):
            short = reason.encode("utf-8", "replace")[:_LONGEST_REASON_BYTES].decode("utf-8", "ignore")
            await send({"type": "websocket.close", "code": code, "reason": short})
            return False
        case Break(_, resets):
            break_off(scope, resets=resets)
            return False
        case Respond() as refusal:
            await respond(send, refusal, (), of="websocket.http.response")
            return False
    return True
