"""What a test's fixtures stand on: a cassette that is played, or a live GMS that is recorded into one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from gms_replay.base_url import BaseUrl
from gms_replay.errors import CassetteError, OptionError
from gms_replay.match import Miss
from gms_replay.model import Redaction
from gms_replay.redact import wishes
from gms_replay.replay.beside import Beside
from gms_replay.replay.stage import Stage
from gms_replay.testing.marker import Wish
from gms_replay.testing.server import GmsClock, GmsServer, Played, PlayedClock
from gms_replay.witness import Witness

if TYPE_CHECKING:
    from gms_replay.replay.transport import ReplayTransport
    from gms_replay.testing.live import LiveTransport


class RecordMode(StrEnum):
    """When a live GMS is asked, and recorded; as users of VCR know them.

    NONE: never. ONCE: where there is no cassette. NEW_EPISODES: for what the cassette cannot answer, too. ALL: always.
    """

    NONE = "none"
    ONCE = "once"
    NEW_EPISODES = "new_episodes"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """How this run of tests records. `insecure` takes any certificate of the GMS's.

    `keeps_failed`: whether what a failed test recorded is kept. `redact`: a `model.Redaction`; `redact_key`: a file,
    None for a key that is drawn. `begun`: the cassettes that it has recorded anew. `is_worker`: whether other processes
    run tests of this run, too.
    """

    mode: RecordMode
    upstream: str | None
    insecure: bool
    keeps_failed: bool
    redact: str
    redact_key: Path | None
    begun: set[Path]
    is_worker: bool


@dataclass(frozen=True, slots=True)
class Stand:
    """What fixtures hand out. `misses` and `complaints` tell what the test has to answer for."""

    server: GmsServer
    clock: GmsClock
    transport: "Callable[[], ReplayTransport | LiveTransport]"
    misses: Callable[[], tuple[Miss, ...]] = tuple
    complaints: Callable[[], tuple[str, ...]] = tuple


@contextmanager
def standing(wish: Wish, how: RecordOptions, has_passed: Callable[[], bool]) -> Iterator[Stand]:
    """Plays, or records, until the end of the block; then what was recorded is kept if the test has passed.

    Raises GmsReplayError.
    """
    cassette = wish.play.cassette
    is_there = cassette.exists()
    if how.mode is RecordMode.NONE or (how.mode is RecordMode.ONCE and is_there and cassette not in how.begun):
        if not is_there:
            raise CassetteError(f"{cassette}: there is none; --gms-record=once --gms-upstream URL records it")
        with _played(wish) as stand:
            yield stand
        return
    if how.is_worker:
        # Each would take the cassette as it was for all there is to add to, and the last one's would be kept.
        raise OptionError(
            f"{cassette}: --gms-record={how.mode} would record it, and workers of pytest-xdist cannot share a "
            "recording; record with -n 0, and run by several without --gms-record"
        )
    if how.mode is RecordMode.NEW_EPISODES and is_there:
        with _extended(wish, how, has_passed) as stand:
            yield stand
    else:
        with _recorded(wish, how, has_passed) as stand:
            yield stand


@contextmanager
def _played(wish: Wish) -> Iterator[Stand]:
    told = Witness()
    beside = Beside(Stage(wish.play, witness=told))
    try:
        yield _stand(beside, told, wish)
    finally:
        beside.close()


@contextmanager
def _extended(wish: Wish, how: RecordOptions, has_passed: Callable[[], bool]) -> Iterator[Stand]:
    """Plays, and sends on what the cassette has no answer for, which is added to it."""
    from gms_replay.testing.draft import draft

    with draft(wish.play.cassette, has_passed, adds=True, keeps_unwanted=how.keeps_failed) as part:
        play = replace(wish.play, on_miss=f"pass:{_upstream(how)}", record_new=part, wish=_redacting(wish, how))
        told = Witness()
        beside = Beside(Stage(play, witness=told))
        try:
            yield replace(_stand(beside, told, wish), misses=tuple)
        finally:
            beside.close()


@contextmanager
def _recorded(wish: Wish, how: RecordOptions, has_passed: Callable[[], bool]) -> Iterator[Stand]:
    """A live GMS behind mitmdump. What one run of tests records into one cassette is added to it, test by test."""
    from gms_replay.mitmdump.process import recording
    from gms_replay.testing.draft import draft
    from gms_replay.testing.live import Live, LiveClock, LiveTransport
    from gms_replay.testing.upstream import require_reachable

    upstream = _upstream(how)
    require_reachable(upstream)
    cassette = wish.play.cassette
    adds = cassette in how.begun and cassette.exists()
    _redacting(wish, how)
    more = wishes.options(how.redact, how.redact_key, wish.play.rules_file)
    with (
        draft(cassette, has_passed, adds=adds, keeps_unwanted=how.keeps_failed) as part,
        recording(part, f"reverse:{upstream.origin}", insecure=how.insecure, more=more) as recorder,
    ):
        yield Stand(Live(recorder.url, upstream.path, part), LiveClock(), lambda: LiveTransport(recorder.url))
    if has_passed():
        how.begun.add(cassette)


def _stand(beside: Beside, told: Witness, wish: Wish) -> Stand:
    from gms_replay.replay.transport import ReplayTransport

    server = Played(beside, told)
    complaints = (lambda: beside.look(_unused)) if wish.strict else tuple
    return Stand(server, PlayedClock(beside), lambda: ReplayTransport.on(beside), lambda: server.misses, complaints)


def _unused(stage: Stage) -> tuple[str, ...]:
    unlike = stage.player.arrivals.unlike
    pushes = (f"{unlike} push{'es' * (unlike != 1)} unlike the cassette's",) if unlike else ()
    return (*pushes, *stage.player.unused)


def _redacting(wish: Wish, how: RecordOptions) -> wishes.Wish:
    key = None if how.redact_key is None else wishes.read_key("--gms-redact-key", how.redact_key)
    return wishes.Wish(Redaction(how.redact), key, wish.play.rules)


def _upstream(how: RecordOptions) -> BaseUrl:
    if how.upstream is None:
        raise OptionError(f"--gms-record={how.mode} needs --gms-upstream URL, like http://gms.example:8080/genesys")
    return BaseUrl.parse(how.upstream.rstrip("/"), "--gms-upstream")
