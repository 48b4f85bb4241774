"""What goes on between requests."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """Tasks in the background; `close` ends them all, and from then on none begins."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        """Begin some work; None after `close`."""
        if self._closed:
            work.close()
            return None
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def close(self) -> None:
        """Return when nothing runs any more."""
        self._closed = True
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
