"""What goes out over a WebSocket, in the order in which the player says it."""

import asyncio

from gms_replay.events import AcceptSocket, CloseSocket, Respond, SendText
from gms_replay.replay.wire import Send, respond

ForSocket = AcceptSocket | SendText | CloseSocket | Respond
"""`Respond` refuses it."""


async def send_all(outbox: asyncio.Queue[ForSocket], send: Send, subprotocol: str | None) -> None:
    """Sends what is put into the outbox of a WebSocket, until that closes it. `subprotocol`: what the app asks for."""
    while True:
        match await outbox.get():
            case AcceptSocket():
                # Clients that asked for one end a WebSocket that has none.
                await send({"type": "websocket.accept", "subprotocol": subprotocol})
            case SendText(_, text):
                await send({"type": "websocket.send", "text": text.decode()})
            case CloseSocket(_, code, reason):
                await send({"type": "websocket.close", "code": code, "reason": reason})
                return
            case Respond() as refusal:
                await respond(send, refusal, (), of="websocket.http.response")
                return
