"""What the requests of one app mean: in the identities of the recording, and which answers they may get.

Strategy: a poll that is asked again means what it meant, unless the app was told something since that it may have
named, or is another by now: the translation's `version` tells.
"""

from dataclasses import dataclass

from gms_replay import fields, match
from gms_replay.calls import Call
from gms_replay.fields import Fields, Meaning
from gms_replay.gms import POLLED, Operation
from gms_replay.match import Ranked
from gms_replay.story import Story
from gms_replay.translation import Translation


@dataclass(frozen=True, slots=True)
class Meant:
    """What a call means. `ranked`: the answers to such requests, the best first; `right`: those to this one."""

    call: Call
    version: int
    operation: Operation
    said: Fields
    key: Meaning
    ranked: list[Ranked]
    right: list[Ranked]


class Meanings:
    """What one app means, which is told of a story by that translation."""

    def __init__(self, story: Story, translation: Translation) -> None:
        self._story = story
        self._translation = translation
        self._polled: dict[tuple[str, ...], Meant] = {}

    def of(self, call: Call) -> Meant:
        """What a call means at this moment."""
        version = self._translation.version
        known = self._polled.get(call.operation.key)
        if known is not None and known.version == version and (known.call is call or known.call.asked == call.asked):
            return known
        operation, said = self._translation.as_recorded(call.operation, call.said)
        ranked = match.candidates(operation, said, self._story, self._translation.means)
        right = [one for one in ranked if not one.differences]
        meant = Meant(call, version, operation, said, fields.meaning(operation, said), ranked, right)
        # Of what is not recorded there may be any number.
        if right and operation.kind in POLLED:
            self._polled[call.operation.key] = meant
        return meant
