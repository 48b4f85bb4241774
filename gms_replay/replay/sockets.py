"""What goes out over a WebSocket, in the order in which the player says it."""

import asyncio

from gms_replay.events import AcceptSocket, CloseSocket, Respond, SendText
from gms_replay.replay.wire import Send, respond

ForSocket = AcceptSocket | SendText | CloseSocket | Respond
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

    async def send_all(self, send: Send, subprotocol: str | None) -> None:
        """Sends what is put in here, until that closes it, or the app is gone. `subprotocol`: what the app asks for."""
        try:
            while await _sent(await self._waiting.get(), send, subprotocol):
                if self._waiting.qsize() < _MOST_WAITING:
                    self._has_room.set()
        finally:
            self._is_over = True
            self._has_room.set()
            self._waiting = asyncio.Queue()


async def _sent(action: ForSocket, send: Send, subprotocol: str | None) -> bool:
    """Sends it; False where nothing comes after it."""
    match action:
        case AcceptSocket():
            # Clients that asked for one end a WebSocket that has none.
            await send({"type": "websocket.accept", "subprotocol": subprotocol})
        case SendText(_, text):
            await send({"type": "websocket.send", "text": text.decode()})
        case CloseSocket(_, code, reason):
            await send({"type": "websocket.close", "code": code, "reason": reason})
            return False
        case Respond() as refusal:
            await respond(send, refusal, (), of="websocket.http.response")
            return False
    return True
