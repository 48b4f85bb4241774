import asyncio
from typing import Any

from gms_replay.events import Respond
from gms_replay.replay.waiting import Waiting

FIRST = Respond(1, 200, (), b"first")
SECOND = Respond(1, 503, (), b"second")


async def never() -> Any:
    await asyncio.Event().wait()


async def gone() -> Any:
    return {"type": "http.disconnect"}


def test_first_answer_counts() -> None:
    async def held() -> Respond | None:
        waiting = Waiting()
        asyncio.get_running_loop().call_soon(waiting.answer, FIRST)
        asyncio.get_running_loop().call_soon(waiting.answer, SECOND)
        return await waiting.come(never)

    assert asyncio.run(held()) is FIRST


def test_who_hangs_up_gets_nothing() -> None:
    assert asyncio.run(Waiting().come(gone)) is None
