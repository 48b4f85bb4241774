"""Between a recording and one app that is told of it: identities, instants and URLs, both ways."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gms_replay import instants
from gms_replay.echoes import Memory
from gms_replay.failovers import Failovers
from gms_replay.fields import Fields
from gms_replay.gms import POLLED, Kind, Operation
from gms_replay.items import Answer
from gms_replay.model import Headers, header
from gms_replay.occurrences import Finder
from gms_replay.rewrite import Telling, Template
from gms_replay.story import Story
from gms_replay.timeline import Shift


@dataclass(frozen=True, slots=True)
class _Told:
    """What was told last of something polled: `asked` is the answer's index, the codings, and what stood in for it."""

    asked: tuple[int, str, Template | None]
    version: int
    headers: Headers
    body: bytes


class Translation:
    """What one app is told for what was recorded. `identities`: recorded to told.

    `now_us`: the instant at which the session starts for the app, where that is pinned. `comet_segment`: what stands
    before the recorded path in URLs of Comet. `shift`: by what time slots move.
    """

    def __init__(
        self,
        story: Story,
        identities: dict[str, str],
        *,
        now_us: int | None,
        comet_segment: str,
        shift: Shift = Shift.EXACT,
    ) -> None:
        self._story = story
        self._identities = identities
        self._recorded = {told: recorded for recorded, told in identities.items()}
        self._told = Finder(self._recorded)
        self._memory = Memory(story.echoed)
        self._comet_segment = comet_segment
        self._origin, self._base = "", story.recorded.base
        self._timeline = story.timeline(now_us, shift)
        self._changes = 0
        self.failovers = Failovers()
        """Of the chats that the app has."""
        self._polled: dict[tuple[str, ...], _Told] = {}

    @property
    def version(self) -> int:
        """Another number whenever the same recorded text may be told otherwise than before."""
        return self._changes + self._timeline.told_count + self.failovers.count

    @property
    def service_ids(self) -> frozenset[str]:
        """The ids of services that the app is told of."""
        return frozenset(map(self.identity, self._story.visit.service_ids))

    def identity(self, recorded: str) -> str:
        """What the app is told for an identity, or for any other value, of the recording."""
        return self._identities.get(recorded, recorded)

    def visit(self, operation: Operation, origin: str, user: str | None) -> None:
        """Notes how the app reached us, and as whom: the URLs it is told lead back the same way.

        A Comet server may stand at any path: it says where we are only if nothing else did, and nothing of our base.
        """
        self._changes += 1
        base, recorded = operation.base, self._story.recorded.base
        is_comet = operation.kind is Kind.COMET
        if base.endswith(recorded) and not (is_comet and self._origin):
            self._origin, self._base = origin + base.removesuffix(recorded), recorded
        elif not is_comet:
            self._origin, self._base = origin, base
        self._origin = self._origin or origin
        if user and self._story.visit.user:
            self._identities[self._story.visit.user] = user

    def as_recorded(self, operation: Operation, said: Fields) -> tuple[Operation, Fields]:
        """What a request is about and what it says, in the identities of the recording.

        Told instants among the keys are the recorded ones, too; values are left to `means`.
        """

        keys = {name: instants.ANYWHERE.sub(self._key_back, name) for name in said}
        if not self._recorded:
            return operation, {keys[name]: value for name, value in said.items()}
        service_id = operation.service_id and self._back(operation.service_id)
        meant = replace(operation, name=self._back(operation.name), service_id=service_id)
        return meant, {self._back(keys[name]): self._back(value) for name, value in said.items()}

    def _back(self, text: str) -> str:
        """A text of the app's with the recorded identities for those that it was told."""
        return self._recorded.get(text) or self._told.replaced(text, self._recorded.__getitem__)

    def hear(self, operation: Operation, said: Fields, index: int | None) -> None:
        """Keeps what the app says, where GMS repeats it. `index`: of the recorded answer that it gets, if any."""
        self._changes += self._memory.hear(operation.kind, index, said)

    def _key_back(self, key: re.Match[str]) -> str:
        """A key as recorded, where it is an instant that the app was told."""
        found = instants.parse(key[0])
        recorded_us = self._timeline.recall(found[0]) if found else None
        return key[0] if found is None or recorded_us is None else instants.render(recorded_us, found[1])

    def means(self, asked_us: int, recorded_us: int) -> bool:
        """Whether an instant that the app names is what it was told for the recorded one."""
        return self._timeline.recall(asked_us) == recorded_us

    def shift_us(self, recorded_us: int, released_us: int) -> int:
        """The shift of what was recorded then, and is released now, in the story's time."""
        return self._timeline.shift_us(recorded_us, released_us)

    def text(self, template: Template, shift_us: int) -> bytes:
        return self.failovers.told(template.render(self._telling([template], shift_us)))

    def headers(self, templates: Sequence[tuple[str, Template]], shift_us: int) -> Headers:
        telling = self._telling([template for _, template in templates], shift_us)
        return tuple((name, template.render(telling).decode("latin-1")) for name, template in templates)

    def answer(
        self, answer: Answer, shift_us: int, accepts: str, instead: Template | None = None
    ) -> tuple[Headers, bytes]:
        """An answer's headers and body; `accepts`: the content codings that the app takes, as its header says.

        `instead`: what is told instead of the recorded body.
        """
        if answer.operation.kind not in POLLED:
            return self._told_now(answer, shift_us, accepts, instead)
        key, asked = answer.operation.key, (answer.index, accepts, instead)
        told = self._polled.get(key)
        # Told before, whatever the shift: an instant is told in one way only.
        if told is None or told.asked != asked or told.version != self.version:
            headers, body = self._told_now(answer, shift_us, accepts, instead)
            told = self._polled[key] = _Told(asked, self.version, headers, body)
        return told.headers, told.body

    def _told_now(self, answer: Answer, shift_us: int, accepts: str, instead: Template | None) -> tuple[Headers, bytes]:
        template = instead or answer.body
        telling = self._telling([template, *(template for _, template in answer.headers)], shift_us)
        body, is_coded = answer.response.body.wire, True
        coding = header(answer.response.headers, "content-encoding")
        is_readable = instead is not None or coding is None or answer.response.body.decoded is not None
        is_as_recorded = template is answer.body and template.is_literal and not self.failovers.count
        if is_readable and not (is_as_recorded and _is_accepted(coding, accepts)):
            body, is_coded = self.failovers.told(template.render(telling)), False
        headers = tuple(
            (name, template.render(telling).decode("latin-1"))
            for name, template in answer.headers
            if is_coded or name != "content-encoding"
        )
        return headers, body

    def _telling(self, templates: Sequence[Template], shift_us: int) -> Telling:
        """What one message's slots are filled with: all its instants are told together."""
        needed = frozenset(instant for template in templates for instant in template.instants)
        return Telling(
            instants=self._timeline.tell(needed, shift_us),
            origin=self._origin,
            base=self._base,
            comet_segment=self._comet_segment,
            identities=self._identities,
            said=self._memory.said,
        )


def _is_accepted(coding: str | None, accepts: str) -> bool:
    """Whether the app takes a body in the coding in which it was recorded."""
    offers = (offer.replace(" ", "").lower() for offer in accepts.split(","))
    # A weight of nought is a refusal (RFC 9110, section 12.4.2).
    weighed = (offer.partition(";q=") for offer in offers)
    taken = {name for name, _, weight in weighed if not weight or weight.strip("0.")}
    return coding is None or coding.lower() in taken
