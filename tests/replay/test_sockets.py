import asyncio
from typing import Any

import pytest

from gms_replay.events import AcceptSocket, Break, CloseSocket, Respond, SendText
from gms_replay.replay.sockets import ForSocket, Outbox
from gms_replay.replay.wire import BREAK


async def sent(*actions: ForSocket) -> list[Any]:
    """What goes out of that, until it is closed; of a connection that is broken off, whether it is reset."""
    outbox, told = Outbox(), []

    async def take(message: Any) -> None:
        told.append(message)

    for action in actions:
        outbox.put(action)
    await outbox.send_all({"subprotocols": ["bayeux"], "extensions": {BREAK: told.append}}, take)
    return told


def test_all_goes_out_in_order_until_the_end() -> None:
    told = asyncio.run(sent(AcceptSocket(1), SendText(1, b"[]"), CloseSocket(1, 1011, "no"), SendText(1, b"[1]")))

    assert [(one["type"], one.get("text"), one.get("subprotocol")) for one in told] == [
        ("websocket.accept", None, "bayeux"),
        ("websocket.send", "[]", None),
        ("websocket.close", None, None),
    ]


def test_refusal_is_an_answer() -> None:
    told = asyncio.run(sent(Respond(1, 404, (), b"no")))

    assert (told[0]["type"], told[0]["status"]) == ("websocket.http.response.start", 404)


def test_reason_is_told_as_far_as_it_fits() -> None:
    (told,) = asyncio.run(sent(CloseSocket(1, 1011, "ä" * 100)))

    assert told["reason"] == "ä" * 61


@pytest.mark.parametrize("resets", [True, False])
def test_broken_socket_says_no_more(resets: bool) -> None:
    assert asyncio.run(sent(Break(1, resets), SendText(1, b"[1]"))) == [resets]


@pytest.mark.parametrize(("waiting", "is_heard"), [(63, True), (64, False)])
def test_who_takes_nothing_is_not_heard(waiting: int, is_heard: bool) -> None:
    async def heard() -> bool:
        outbox = Outbox()
        for _ in range(waiting):
            outbox.put(SendText(1, b"[]"))
        room = asyncio.ensure_future(outbox.room())
        for _ in range(3):
            await asyncio.sleep(0)
        was_heard = room.done()
        room.cancel()
        return was_heard

    assert asyncio.run(heard()) is is_heard


@pytest.mark.parametrize("is_gone", [True, False])
def test_who_is_gone_or_takes_some_is_heard_again(is_gone: bool) -> None:
    """Else nobody would hear that he is gone."""

    async def heard() -> None:
        outbox = Outbox()
        for _ in range(64):
            outbox.put(SendText(1, b"[]"))

        async def take(message: Any) -> None:
            if is_gone:
                raise ConnectionError

        sending = asyncio.ensure_future(outbox.send_all({}, take))
        await outbox.room()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    asyncio.run(heard())


def test_whoever_is_gone_is_told_nothing_more() -> None:
    """What came before that is still heard, however much there is."""

    async def heard() -> None:
        outbox = Outbox()

        async def take(message: Any) -> None:
            raise ConnectionError

        outbox.put(SendText(1, b"[]"))
        await asyncio.gather(outbox.send_all(take, None), return_exceptions=True)
        for _ in range(100):
            outbox.put(SendText(1, b"[]"))
        await outbox.room()

    asyncio.run(heard())
