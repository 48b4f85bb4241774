"""What one app publishes over Comet that GMS takes as requests, counted: once, however often the app had to say it.

Strategy: whether an answer arrived is known of polls only. What an answer that got lost would have acknowledged is said
again, perhaps by another Bayeux client, so it is known by what it says, which may be long: by a digest of what it asks
for and of all its data. What goes over a WebSocket counts as answered.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gms_replay import chat2, digests, fields, gms, latest
from gms_replay.bayeux import Parsed
from gms_replay.digests import Digest
from gms_replay.fields import Fields
from gms_replay.gms import Operation

Key = tuple[str, ...]
"""What an operation has in common with others for the same thing."""

_OTHER: Key = ()
_KEPT = 100
"""So many that got lost may be said again."""


@dataclass(frozen=True, slots=True)
class Publication:
    """An operation that was asked for over Comet. `said`: all its data; `shown`: the ids of the chat that it names."""

    operation: Operation
    said: str
    shown: frozenset[str]

    @property
    def fields(self) -> Fields:
        """What it says, as a request's fields."""
        return fields.read("", (), self.said.encode("utf-8", "backslashreplace"))

    @property
    def digest(self) -> Digest:
        """Equal where the same is asked for, and the same is said."""
        return digests.of((*self.operation.key, self.said))

    @property
    def is_act(self) -> bool:
        return self.operation.act is not None


def read(message: Mapping[str, Any]) -> Publication | None:
    """What a Comet message of an app's asks for; None where it asks for nothing of GMS's."""
    operation = chat2.published(message)
    if operation is None:
        return None
    data = message["data"]
    return Publication(operation, json.dumps(data, sort_keys=True), gms.session_ids(data))


class Publications:
    """What an app has published of the acts that its story tells of. `recorded`: how often each was."""

    def __init__(self, recorded: Counter[Key]) -> None:
        self._recorded = recorded
        self._counts: Counter[Key] = Counter()
        self._unanswered: dict[int, list[Digest]] = {}
        self._lost: dict[Digest, None] = {}

    def __bool__(self) -> bool:
        """Whether there was any act."""
        return bool(self._counts)

    def awaits(self, publication: Publication) -> bool:
        """Whether it is one of those that the story tells of, or one that is repeated because its answer was lost."""
        key = self._counted(publication.operation)
        return publication.digest in self._lost or self._counts[key] < self._recorded[key]

    def take(self, request_id: int | None, messages: Iterable[Parsed]) -> Iterator[Publication]:
        """The acts among the messages of one request, or, where that is None, of a WebSocket's frame."""
        for publication in (read(message.fields) for message in messages):
            if publication is None or not publication.is_act:
                continue
            digest = publication.digest
            if digest not in self._lost:
                self._counts[self._counted(publication.operation)] += 1
                yield publication
            self._lost.pop(digest, None)
            if request_id is not None:
                self._unanswered.setdefault(request_id, []).append(digest)

    def is_one_too_many(self, operation: Operation) -> bool:
        """Whether an act was done more often than recorded."""
        key = self._counted(operation)
        return self._counts[key] > self._recorded[key]

    def sent(self, request_id: int) -> None:
        """The app has the answer to a request."""
        self._unanswered.pop(request_id, None)

    def lost(self, request_id: int) -> None:
        """The answer to a request did not arrive: what it asked for may be asked for again."""
        for digest in self._unanswered.pop(request_id, ()):
            latest.keep(self._lost, digest, None, _KEPT)

    def _counted(self, operation: Operation) -> Key:
        """As what it is counted: what was not recorded may be on any channel, and is counted together."""
        return operation.key if operation.key in self._recorded else _OTHER
