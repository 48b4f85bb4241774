"""The answers of one session that its app has not got: they wait for their time, are on their way, or got lost.

Of a request whose answer got lost, or that had none, a digest is kept, for apps say as much as they like: of its
operation, and of all fields that it said, in the recording's identities, whatever their order.
"""

from itertools import chain

from gms_replay import digests, latest
from gms_replay.choice import Pending
from gms_replay.digests import Digest
from gms_replay.fields import Meaning
from gms_replay.gms import POLLED
from gms_replay.items import Answer

_KEPT = 100
"""So many of what an app may ask again: what it asked before, it asks again no more."""


class Underway:
    """Answers by their requests. What is polled is never kept for a retry: its next answer is what is true by then."""

    def __init__(self) -> None:
        self.pending: dict[int, Pending] = {}
        """Those that wait for their time."""
        self._given: dict[int, Pending] = {}
        self._lost: dict[Digest, Answer] = {}
        self._missed: dict[Digest, None] = {}

    def expect(self, pending: Pending) -> None:
        """An answer is to come."""
        self.pending[pending.request_id] = pending

    def give(self, pending: Pending) -> None:
        """It goes out."""
        self._given[pending.request_id] = self.pending.pop(pending.request_id)

    def arrive(self, request_id: int) -> bool:
        """The app has it; False where it is none of these."""
        return self._given.pop(request_id, None) is not None

    def lose(self, request_id: int) -> Answer | None:
        """The app hung up: its answer is kept for the retry."""
        lost = self.pending.pop(request_id, None) or self._given.pop(request_id, None)
        if lost is None:
            return None
        if lost.answer.operation.kind not in POLLED:
            latest.keep(self._lost, _digest(lost.asked), lost.answer, _KEPT)
        return lost.answer

    def miss(self, asked: Meaning) -> bool:
        """There will be no answer; False where there was none before to the same."""
        missed = _digest(asked)
        was_missed = missed in self._missed
        latest.keep(self._missed, missed, None, _KEPT)
        return not was_missed

    def has_lost(self, asked: Meaning) -> bool:
        """Whether the answer to the same got lost."""
        # A digest takes time, and most apps lose nothing.
        return bool(self._lost) and _digest(asked) in self._lost

    def retried(self, asked: Meaning) -> Answer:
        """The answer that got lost, which the app asks for again."""
        return self._lost.pop(_digest(asked))


def _digest(asked: Meaning) -> Digest:
    operation, said = asked
    return digests.of((*operation, *chain.from_iterable(sorted(said))))
