"""A request that is held until its answer comes, or whoever asked hangs up."""

import asyncio

from gms_replay.events import Break, Respond
from gms_replay.replay.wire import Receive


class Waiting:
    """A request that waits for its answer; `answered` is that, as soon as there is one."""

    __slots__ = ("_come", "answered")

    def __init__(self) -> None:
        self.answered: Respond | Break | None = None
        self._come: asyncio.Future[None] | None = None

    def answer(self, answer: Respond | Break) -> None:
        """Gives the answer, if it has none."""
        self.answered = self.answered or answer
        if self._come is not None and not self._come.done():
            self._come.set_result(None)

    async def come(self, receive: Receive) -> Respond | Break | None:
        """Waits for the answer; None where the app hangs up before."""
        self._come = asyncio.get_running_loop().create_future()
        gone = asyncio.ensure_future(hung_up(receive))
        try:
            await asyncio.wait((self._come, gone), return_when=asyncio.FIRST_COMPLETED)
            return None if gone.done() else self.answered
        finally:
            gone.cancel()


async def hung_up(receive: Receive) -> None:
    """Waits until whoever asked hangs up, or is cut off."""
    while (await receive())["type"] != "http.disconnect":
        pass
