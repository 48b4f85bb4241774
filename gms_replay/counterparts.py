"""What of two visits is laid side by side: pieces of one sort in both, and which takes the place of which."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gms_replay import alignment, bodies, pieces
from gms_replay.alignment import align_alike
from gms_replay.disguise import Disguise, Value
from gms_replay.gms import Path
from gms_replay.likeness import outline
from gms_replay.pieces import Piece
from gms_replay.sessions import Session

_T = TypeVar("_T")
_POLLS = "polls"


@dataclass(frozen=True, slots=True)
class Series:
    """Pieces of one sort ("answers") in both visits. `is_told`: by GMS, not by the app."""

    sort: str
    old: Sequence[Piece]
    new: Sequence[Piece]
    rows: tuple[alignment.Row, ...]
    is_told: bool

    @property
    def pairs(self) -> Iterator[tuple[Piece, Piece]]:
        for row in self.rows:
            if row.old is not None and row.new is not None:
                yield self.old[row.old], self.new[row.new]


@dataclass(frozen=True, slots=True)
class Counterparts:
    """All that two visits have side by side: what the app `asked`, what it `polled`, and what it was `told`."""

    asked: Series
    polled: Series
    told: tuple[Series, ...]

    @property
    def all(self) -> tuple[Series, ...]:
        return (self.asked, self.polled, *self.told)


def of(old: Session, new: Session, disguise: Disguise | None) -> Counterparts:
    """Of two visits. `disguise`: where secrets were replaced; it takes note of what both hold."""
    unaligned = list(_unaligned(old, new))
    if disguise is not None:
        disguise.look_at(value for one in unaligned for value in _values(one))
    asked, polled, *told = (_aligned(one, disguise) for one in unaligned)
    return Counterparts(asked, polled, tuple(told))


def weigh(found: Counterparts, disguise: Disguise) -> None:
    """Counts what would have to stand for what where secrets were replaced, all over two visits."""
    for series in found.all:

        def same(path: Path, one: str, other: str, is_told: bool = series.is_told) -> bool:
            inside, inside_now = bodies.nested(one), bodies.nested(other)
            if inside is not None and inside_now is not None:
                return not any(bodies.compare(inside, inside_now, same, path))
            disguise.weigh(bodies.inside(path), one, other, is_told=is_told)
            return True

        for one, other in series.pairs:
            for _ in bodies.compare(one.node, other.node, same):
                pass


def _unaligned(old: Session, new: Session) -> Iterator[Series]:
    def series(sort: str, some: Iterable[Piece], some_now: Iterable[Piece], *, is_told: bool = True) -> Series:
        return Series(sort, list(some), list(some_now), (), is_told)

    yield series("requests", pieces.asked(old), pieces.asked(new), is_told=False)
    yield series(_POLLS, pieces.polls(old), pieces.polls(new), is_told=False)
    yield series("answers", pieces.answers(old), pieces.answers(new))
    for channel, some, some_now in _joined(pieces.events(old), pieces.events(new)):
        yield series(f"messages on {channel}", some, some_now)
    yield series("lines", *pieces.lines_of(old, new))


def _values(series: Series) -> Iterator[Value]:
    for piece in (*series.old, *series.new):
        for leaf in bodies.values(piece.node):
            yield Value(leaf.path, leaf.text, series.is_told)


def _aligned(one: Series, disguise: Disguise | None) -> Series:
    def worded(path: Path, text: str) -> str:
        bare = disguise.blanked(path, text, is_told=one.is_told) if disguise else text
        return "" if bare is None else outline(bare)

    was, now = ([(piece.alike_by(worded), piece) for piece in some] for some in (one.old, one.new))
    if one.sort == _POLLS:
        # These have no order.
        was, now = (sorted(some, key=lambda known: str(known[0])) for some in (was, now))
    rows = align_alike([alike for alike, _ in was], [alike for alike, _ in now])
    return Series(one.sort, [piece for _, piece in was], [piece for _, piece in now], rows, one.is_told)


def _joined(was: dict[str, list[_T]], now: dict[str, list[_T]]) -> Iterator[tuple[str, list[_T], list[_T]]]:
    for name in sorted(was.keys() | now.keys()):
        yield name, was.get(name, []), now.get(name, [])
