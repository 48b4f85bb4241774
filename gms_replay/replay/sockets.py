"""What goes out over a WebSocket, in the order in which the player says it."""

import asyncio

from gms_replay.events import AcceptSocket, Break, CloseSocket, Respond, SendText
from gms_replay.replay.wire import Scope, Send, break_off, respond

_LONGEST_REASON_BYTES = 123  # RFC 6455, section 5.5

ForSocket = AcceptSocket | SendText | CloseSocket | Break | Respond
"""`Respond` refuses it."""


async def send_all(outbox: asyncio.Queue[ForSocket], scope: Scope, send: Send, subprotocol: str | None) -> None:
    """Sends what is put into the outbox of a WebSocket, until that closes it. `subprotocol`: what the app asks for."""
    while True:
        match await outbox.get():
            case AcceptSocket():
                # Clients that asked for one end a WebSocket that has none.
                await send({"type": "websocket.accept", "subprotocol": subprotocol})
            case SendText(_, text):
                await send({"type": "websocket.send", "text": text.decode()})
            case CloseSocket(_, code, reason):
                short = reason.encode("utf-8", "replace")[:_LONGEST_REASON_BYTES].decode("utf-8", "ignore")
                await send({"type": "websocket.close", "code": code, "reason": short})
                return
            case Break(_, resets):
                break_off(scope, resets=resets)
                return
            case Respond() as refusal:
                await respond(send, refusal, (), of="websocket.http.response")
                return
