"""What the marker says: which cassette, played how."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gms_replay.clocks import Clock
from gms_replay.errors import OptionError
from gms_replay.instants import SECOND_US
from gms_replay.replay import plays
from gms_replay.replay.plays import Play
from gms_replay.replay.wall import wall_clock_us

MARKER = "gms_cassette"
_STRICT = "strict"
_CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a test wants. `strict`: whether it fails, too, where a part of the cassette was not used."""

    play: Play
    strict: bool


def read(arguments: Sequence[object], keywords: Mapping[str, object], folder: Path) -> Wish:
    """The marker's words: a path that begins at `folder`, and `plays.Options` or `strict`.

    The clock is virtual unless it says otherwise, and then all sessions begin now, so that equal visits are told equal
    instants. Raises OptionError, which names what is wrong.
    """
    if len(arguments) != 1:
        raise OptionError(f'it names one cassette, like @pytest.mark.{MARKER}("visit.sqlite"), not {len(arguments)}')
    options = {_CLOCK: str(Clock.VIRTUAL)} | dict(keywords)
    play = plays.play(arguments[0], options, folder, others=(_STRICT,))
    # Tests of several folders may name one file by several paths.
    play = replace(play, cassette=Path(os.path.realpath(play.cassette)))
    if play.pacing.clock is Clock.VIRTUAL and play.pacing.now_us is None:
        play = replace(play, pacing=replace(play.pacing, now_us=wall_clock_us() // SECOND_US * SECOND_US))
    return Wish(play, plays.switch(_STRICT, options.get(_STRICT, False)))
