"""A cassette, opened to be played: its stories, the player, the ASGI app, and what runs beside them."""

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self, Unpack

from gms_replay import addresses
from gms_replay.access import Access
from gms_replay.cassette.archive import Archive
from gms_replay.cassette.opening import lost_wal
from gms_replay.cassette.reader import hold
from gms_replay.errors import OptionError, StoryError
from gms_replay.player import Player
from gms_replay.replay import plays
from gms_replay.replay.asgi import ReplayApp, Witness
from gms_replay.replay.aside import Aside
from gms_replay.replay.door import Door
from gms_replay.replay.plays import Options, Play
from gms_replay.replay.wall import wall_clock_us
from gms_replay.story import Story, compile_stories

_log = logging.getLogger(__name__)


class Stage:
    """What plays a cassette, until it is closed: `app` is an ASGI app, to be used in one event loop at a time.

    `facts` are the cassette's, where it is held already. `note` gets what the player finds odd, `log` who plays what.
    Raises CassetteError, StoryError or OptionError.
    """

    def __init__(
        self,
        play: Play,
        facts: Archive | None = None,
        *,
        note: Callable[[str], None] = _log.warning,
        log: Callable[[str], None] = _log.info,
        door: Door | None = None,
        witness: Witness | None = None,
        access: Access | None = None,
    ) -> None:
        self.play = play
        with ExitStack() as held:
            self.facts = held.enter_context(hold(play.cassette)) if facts is None else facts
            self.stories = _stories(self.facts, play)
            _require_another(play)
            self.facts.assure()
            self.aside = Aside.opened(play.on_miss, play.record_new, note, play.push_to, play.bundle_id, play.wish)
            held.callback(self.aside.close)
            self.player = Player(
                self.stories,
                play.pacing,
                seed=play.seed,
                has_devices=self.aside.stand_ins is not None,
                holds_pushes=play.holds_pushes,
                faults=(*play.rules.faults, *play.faults),
                limits=play.limits,
            )
            self.app = ReplayApp(
                self.player,
                clock=wall_clock_us,
                note=note,
                log=log,
                pass_on=self.aside.passing.ask if self.aside.passing else None,
                devices=self.aside.stand_ins,
                keep=self.aside.keep,
                door=door,
                session=play.session,
                witness=witness,
                limits=play.limits,
                access=access,
            )
            self._held = held.pop_all()

    async def end(self) -> None:
        """Answers what is held, and ends connections, in the loop in which `app` was used."""
        self.app.close()
        await self.aside.end()

    def close(self) -> None:
        """Waits until all that was recorded is on disk, when nothing comes any more. Raises CassetteError."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.end()
        self.close()


def _stories(facts: Archive, play: Play) -> tuple[Story, ...]:
    """Raises StoryError where there is nothing to play, OptionError where a session is to play what is not there."""
    try:
        stories = compile_stories(facts, play.rules)
    except StoryError as error:
        way_out = "put the file that ends in -wal back beside it" if lost_wal(play.cassette) else "record one"
        raise StoryError(f"{play.cassette}: {error}; {way_out}") from None
    wanted = {f"rules: sessions.{name}": visit for name, visit in play.rules.visits.items()}
    if play.session is not None:
        wanted["session"] = addresses.parse(play.session).visit or 1
    for where, visit in wanted.items():
        if visit > len(stories):
            raise OptionError(f"{where}: there is no visit {visit}; {play.cassette} holds {len(stories)}")
    return stories


def _require_another(play: Play) -> None:
    """Raises OptionError where what comes anew is to go into the cassette that is played."""
    new = play.record_new
    if new is not None and new.exists() and play.cassette.exists() and new.samefile(play.cassette):
        raise OptionError(f"--record-new {new}: that is the cassette that is played; name another, and `merge` the two")


def staged(cassette: str | os.PathLike[str], **options: Unpack[Options]) -> Stage:
    """A cassette, opened to be played, with the options of `gms-replay serve` as keywords.

    For any ASGI test client: `async with staged("visit.sqlite", clock="virtual") as stage:`, and then `stage.app`.
    """
    return Stage(plays.play(cassette, options))
