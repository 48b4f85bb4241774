"""Whether two runs told an app the same.

Strategy: what the app got is compared leaf by leaf. Identities may differ, if each stands for the same one everywhere;
URLs of the server's own lead to wherever it was asked. Instants are found by their looks, not by the names that the
player knows, so that one which was left stale is seen; all must have moved by one and the same shift.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from gms_replay import gms
from gms_replay.addresses import SEGMENT
from gms_replay.disguise import Disguise, Hidden
from gms_replay.gms import InstantClass
from gms_replay.instants import SECOND_US
from gms_replay.likeness import TOLERANCE_US, WIDEST_GRID_US, Leaf, Likeness, is_calendar, leaves, place
from gms_replay.model import Headers
from gms_replay.spans import Sort
from gms_replay.timeline import Shift

_SET_BY_CARRIERS = frozenset(
    {"server", "connection", "keep-alive", "content-length", "transfer-encoding", "content-encoding", "via"}
)

_USERS = {(name,) for name in gms.USER_FIELDS}
"""What names the app itself, as it called itself."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One REST answer as the app got it. `asked`: what the app asked for, without host."""

    asked: str
    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Transcript:
    """All that one run told an app. `origin`: the server's ("http://host:port").

    `started_at_us`: when the visit began, by the app's clock, or as the server was told to let it begin. `hidden`: what
    stands there for what was replaced in a recording; None where nothing was.
    """

    origin: str
    started_at_us: int
    answers: tuple[Seen, ...]
    channels: dict[str, tuple[bytes, ...]]
    hidden: Hidden | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two runs differ, and what stands there; None where one of them has nothing."""

    where: str
    expected: str | None
    actual: str | None

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected!r}, got {self.actual!r}"


@dataclass(slots=True)
class Comparison:
    """The result: no difference means equal. `moved`: by how many microseconds, how many instants of each class."""

    differences: list[Difference] = field(default_factory=list)
    moved: dict[InstantClass, dict[int, int]] = field(default_factory=lambda: {kind: {} for kind in InstantClass})
    identities: dict[str, str] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        return not self.differences


def compare(expected: Transcript, actual: Transcript, shift: Shift = Shift.EXACT) -> Comparison:
    """Compares two runs: every REST answer, and every message of each channel, in order.

    `shift`: by what the calendar's instants were moved.
    """
    result = _Comparing(expected, actual, shift)
    result.weigh()
    for number, (one, other) in enumerate(zip_longest(expected.answers, actual.answers), start=1):
        result.answer(number, one, other)
    for channel in sorted(expected.channels.keys() | actual.channels.keys()):
        told, told_now = expected.channels.get(channel, ()), actual.channels.get(channel, ())
        for number, (message, message_now) in enumerate(zip_longest(told, told_now), start=1):
            result.text(f"{channel} message {number}", message, message_now)
    result.shifts()
    return result.comparison


class _Comparing:
    def __init__(self, expected: Transcript, actual: Transcript, shift: Shift) -> None:
        self.comparison = Comparison()
        self._slots_step_us = shift.step_us(WIDEST_GRID_US)
        self._expected, self._actual = expected, actual
        self._likeness = Likeness(self._moved, self.comparison.identities)
        hidden = expected.hidden or actual.hidden
        self._disguise = Disguise(hidden) if hidden else None

    def weigh(self) -> None:
        """Settles what stands for what where secrets were replaced, before anything is judged by it."""
        if self._disguise is None:
            return
        for one, other in zip(self._expected.answers, self._actual.answers, strict=False):
            self._disguise.weigh((), one.asked, other.asked, is_told=False)
        for text, text_now in zip(_texts(self._expected), _texts(self._actual), strict=False):
            for leaf, leaf_now in zip(leaves(text), leaves(text_now), strict=False):
                if not leaf.is_key and leaf.path == leaf_now.path:
                    self._disguise.weigh(leaf.path, leaf.text, leaf_now.text, is_told=True)
        self._disguise.settle()

    def answer(self, number: int, one: Seen | None, other: Seen | None) -> None:
        where = f"answer {number} ({one.asked if one else other.asked if other else ''})"
        if one is None or other is None:
            self._differ(where, str(one.status) if one else None, str(other.status) if other else None)
            return
        self._text(f"{where} request", one.asked, other.asked)
        if one.status != other.status:
            self._differ(f"{where} status", str(one.status), str(other.status))
        for header, header_now in zip_longest(_headers(one), _headers(other)):
            name = (header or header_now or ("", ""))[0]
            self._text(f"{where} header {name}", header and ": ".join(header), header_now and ": ".join(header_now))
        self.text(where, one.body, other.body)

    def text(self, where: str, one: bytes | None, other: bytes | None) -> None:
        if one is None or other is None:
            self._differ(where, _shown(one), _shown(other))
            return
        for leaf, leaf_now in zip_longest(leaves(one), leaves(other)):
            at = ".".join(str(step) for step in (leaf or leaf_now or Leaf((), "", Sort.TEXT)).path)
            self._leaf(f"{where} {at}".rstrip(), leaf, leaf_now)

    def shifts(self) -> None:
        """All instants of a class must have moved alike, and with the app's own clock; slots keep to their grid."""
        clock_us = self._actual.started_at_us - self._expected.started_at_us
        for kind, moved in self.comparison.moved.items():
            allowed_us = self._slots_step_us if kind is InstantClass.CALENDAR else TOLERANCE_US
            for shift_us in moved:
                if abs(shift_us - clock_us) > allowed_us:
                    self._differ(f"{kind} instants' shift", _seconds(clock_us), _seconds(shift_us))
            if len(moved) > 1:
                self._differ(f"{kind} instants' shift", "one for all", ", ".join(map(_seconds, moved)))

    def _leaf(self, where: str, one: Leaf | None, other: Leaf | None) -> None:
        if one is None or other is None or (not one.is_key and place(one.path) != place(other.path)):
            self._differ(where, one.text if one else None, other.text if other else None)
        elif self._disguise and not one.is_key and self._is_hidden(where, one, other):
            pass
        elif not (gms.is_elapsed(one.path) and one.text.isdigit() and other.text.isdigit()):
            is_user = one.path[-1:] in _USERS
            self._text(where, one.text, other.text, is_slot=one.is_key or is_calendar(one.path), is_identity=is_user)

    def _is_hidden(self, where: str, one: Leaf, other: Leaf) -> bool:
        """Whether something private stands there; then it is judged."""
        same = self._disguise.same(one.path, one.text, other.text, is_told=True) if self._disguise else None
        if same is False:
            self._differ(where, one.text, other.text)
        return same is not None

    def _text(
        self,
        where: str,
        one: str | None,
        other: str | None,
        *,
        is_slot: bool = False,
        is_identity: bool = False,
    ) -> None:
        if one is None or other is None:
            self._differ(where, one, other)
            return
        plain, plain_now = _unrooted(one, self._expected.origin), _unrooted(other, self._actual.origin)
        if self._disguise is not None:
            plain = self._disguise.as_there(plain, plain_now)
        if not self._likeness.same(plain, plain_now, is_slot=is_slot, is_identity=is_identity):
            self._differ(where, one, other)

    def _moved(self, kind: InstantClass, shift_us: int) -> bool:
        """All shifts are counted, and judged in the end."""
        moved = self.comparison.moved[kind]
        moved[shift_us] = moved.get(shift_us, 0) + 1
        return True

    def _differ(self, where: str, expected: str | None, actual: str | None) -> None:
        self.comparison.differences.append(Difference(where, expected, actual))


def _texts(transcript: Transcript) -> Iterator[bytes]:
    yield from (answer.body for answer in transcript.answers)
    for _, messages in sorted(transcript.channels.items()):
        yield from messages


def _shown(text: bytes | None) -> str | None:
    return None if text is None else text.decode("utf-8", "replace")


def _headers(seen: Seen) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in seen.headers if name.lower() not in _SET_BY_CARRIERS]


def _unrooted(text: str, origin: str) -> str:
    """A text with the server's own address and our path segments taken out."""
    return SEGMENT.sub("", text.replace(origin, "origin:"))


def _seconds(shift_us: int) -> str:
    return f"{shift_us / SECOND_US:+.3f} s"
