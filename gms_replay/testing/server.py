"""What a test sees of the player: where it is found, what it told, and its clock."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from gms_replay import control, sessions, witness
from gms_replay.diff import Transcript
from gms_replay.disguise import hidden_by
from gms_replay.errors import OptionError
from gms_replay.gms import Kind
from gms_replay.match import Miss
from gms_replay.playing import Playing
from gms_replay.replay.beside import Asking, Beside
from gms_replay.replay.stage import Stage
from gms_replay.replay.wall import wall_clock_us
from gms_replay.story import Story
from gms_replay.testing.told import Told

_LONGEST_WAIT_S = 600
_LONGEST_S = 10 * 366 * 24 * 3600
_HERE = "localhost"


class GmsServer(Protocol):
    """A GMS for an app under test: a cassette that is played, or a live one that is recorded."""

    @property
    def base_url(self) -> str:
        """What to put into the app ("http://127.0.0.1:49152/genesys")."""

    @property
    def comet_url(self) -> str:
        """Where Comet is, for apps that do not take the `_comet_url` that they are told."""

    @property
    def misses(self) -> Sequence[Miss]:
        """The requests that the cassette had no answer for; as text each is a report."""

    @property
    def sessions(self) -> Sequence[dict[str, Any]]:
        """Who plays which visit, and how far: `session`, `visit`, `gms_user`, `now`, `waits_for`, and more."""

    @property
    def pushes(self) -> Sequence[dict[str, Any]]:
        """The pushes that devices were told: `number`, `session`, `_id`, `_action`, `payload`, and more."""

    @property
    def faults(self) -> "GmsFaults":
        """What goes wrong for apps."""

    def next_push(self, within_s: float = 10) -> dict[str, Any]:
        """Waits for the push after the last one that this gave. Raises OptionError where none comes."""

    def forget_misses(self) -> None:
        """The test asked for them on purpose: they fail it no longer."""

    def transcript(self, session: str | None = None) -> Told:
        """What apps were told so far: all of them, or that of one session (`sessions` tells their names)."""

    def recorded(self, visit: int | None = None, session: str | None = None) -> Told:
        """What the recorded app was told: in that visit, or in that session's, or in that of the first app."""


class GmsFaults(Protocol):
    """What goes wrong for apps: rules as the rules file has them, with how often each `struck`, and whom."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rules that hold."""

    def add(self, **rule: object) -> int:
        """Adds a rule, and gives its `number`: `add(on="/meta/connect", do="reset", times=[3])`. Raises OptionError."""

    def drop(self, number: int | None = None) -> None:
        """Takes a rule away, or all; what they struck stays struck. Raises OptionError where it is not there."""


class GmsClock(Protocol):
    """The time that apps are told, for all sessions, or for one by its name."""

    @property
    def now(self) -> datetime:
        """Where the story is: of the first session; before there is one, where it will begin."""

    def advance(self, by: float | timedelta, session: str | None = None) -> None:
        """Lets so many seconds pass at once: polls end, clients and patience expire, messages come.

        Raises OptionError for what is no number of seconds from 0 on.
        """

    def to_next(self, session: str | None = None) -> None:
        """Puts the story forward to what comes next; nothing expires."""


class Played:
    """A `GmsServer` that plays; `told` hears it."""

    def __init__(self, beside: Beside, told: witness.Witness) -> None:
        self._beside = beside
        self._told = told
        self._last_push = 0

    @property
    def base_url(self) -> str:
        return self._beside.serve() + self._first.visit.base

    @property
    def comet_url(self) -> str:
        asked = (one.target for one in self._first.visit.askings if one.operation.kind is Kind.COMET)
        path = next(asked, f"{self._first.visit.base}/cometd").partition("?")[0]
        return self._beside.serve() + path

    @property
    def misses(self) -> tuple[Miss, ...]:
        return self._beside.look(lambda stage: tuple(one.miss for one in stage.player.misses))

    @property
    def sessions(self) -> list[dict[str, Any]]:
        return _list(ask(self._beside, "GET", control.SESSIONS)["sessions"])

    @property
    def pushes(self) -> list[dict[str, Any]]:
        return _list(ask(self._beside, "GET", control.PUSHES)["pushes"])

    @property
    def faults(self) -> "PlayedFaults":
        return PlayedFaults(self._beside)

    def next_push(self, within_s: float = 10) -> dict[str, Any]:
        wait_ms = round(min(seconds("next_push", within_s), _LONGEST_WAIT_S) * 1000)
        told = ask(self._beside, "GET", f"{control.PUSHES}?after={self._last_push}&wait_ms={wait_ms}")
        if not told["pushes"]:
            held = f"; {told['held']} held back" if told["held"] else ""
            raise OptionError(f"no push within {within_s:g} s{held}; gms_server.sessions tells what stories wait for")
        push: dict[str, Any] = told["pushes"][0]
        self._last_push = push["number"]
        return push

    def forget_misses(self) -> None:
        ask(self._beside, "DELETE", control.MISSES)

    def transcript(self, session: str | None = None) -> Told:
        def told(stage: Stage) -> Told:
            began_us = _started_at_us(stage, _playing(stage, session))
            return Told.of(self._told.transcript(began_us, session), stage.play.pacing.shift)

        return self._beside.look(told)

    def recorded(self, visit: int | None = None, session: str | None = None) -> Told:
        def told(stage: Stage) -> Told:
            return Told.of(_recorded(stage, visit, session), stage.play.pacing.shift)

        return self._beside.look(told)

    @property
    def _first(self) -> Story:
        return self._beside.stage.stories[0]


class PlayedFaults:
    """The `GmsFaults` of a player's."""

    def __init__(self, beside: Beside) -> None:
        self._beside = beside

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(_list(ask(self._beside, "GET", control.FAULTS)["faults"]))

    def add(self, **rule: object) -> int:
        return int(ask(self._beside, "POST", control.FAULTS, rule)["number"])

    def drop(self, number: int | None = None) -> None:
        ask(self._beside, "DELETE", control.FAULTS if number is None else f"{control.FAULTS}/{number}")


class PlayedClock:
    """A `GmsClock` of the player's."""

    def __init__(self, beside: Beside) -> None:
        self._beside = beside

    @property
    def now(self) -> datetime:
        told = ask(self._beside, "GET", control.CLOCK)["sessions"]
        if told:
            return datetime.fromisoformat(told[0]["now"])
        at_us = self._beside.stage.play.pacing.now_us
        return datetime.fromtimestamp((wall_clock_us() if at_us is None else at_us) / 1_000_000, UTC)

    def advance(self, by: float | timedelta, session: str | None = None) -> None:
        self._move({"advance_ms": round(seconds("advance", by) * 1000)}, session)

    def to_next(self, session: str | None = None) -> None:
        self._move({"to": "next"}, session)

    def _move(self, how: dict[str, Any], session: str | None) -> None:
        told = ask(self._beside, "POST", control.CLOCK, how | ({} if session is None else {"session": session}))
        if not told["sessions"]:
            raise OptionError("no session has begun: its time begins with the app's first request; ask first")


def ask(beside: Beside, method: str, path: str, said: dict[str, Any] | None = None) -> dict[str, Any]:
    """Asks the player itself. Raises OptionError with what it refuses."""
    body = b"" if said is None else json.dumps(said).encode()
    held = beside.ask(Asking(method, "http", path.encode(), [(b"host", _HERE.encode())], body))
    answer = held.answer.result()
    assert answer is not None, "nobody hangs up"
    told: dict[str, Any] = json.loads(answer.body)
    if answer.status != 200:
        raise OptionError(f"the player refuses: {told['error']}")
    return told


def seconds(name: str, said: object) -> float:
    """So many seconds, from 0 to those of ten years. Raises OptionError, which names who was told otherwise."""
    number = said.total_seconds() if isinstance(said, timedelta) else said
    # What is no number stands in no order, so it is not between the two.
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= _LONGEST_S:
        raise OptionError(f"{name}: {said!r} is no number of seconds, from 0 to those of ten years")
    return number


def _playing(stage: Stage, session: str | None) -> Playing | None:
    """The session of that name; where none is named, the first app's, if there is one."""
    known = {one.name: one for one in stage.player.sessions}
    if session is None:
        return next(iter(known.values()), None)
    if session not in known:
        raise OptionError(f"there is no session {session!r}; there are {', '.join(known) or 'none yet'}")
    return known[session]


def _recorded(stage: Stage, visit: int | None, session: str | None) -> Transcript:
    if visit is not None and session is not None:
        raise OptionError("recorded: name a visit or a session, not both")
    count = len(stage.stories)
    playing = _playing(stage, session)
    number = (playing.story.number if playing else 1) if visit is None else visit
    if number not in range(1, count + 1):
        raise OptionError(f"there is no visit {number!r}; the cassette holds {count}, the first is 1")
    told = witness.recorded(sessions.read(stage.stories[number - 1].visit))
    return replace(told, hidden=hidden_by(stage.facts.redactions(), stage.play.rules))


def _started_at_us(stage: Stage, playing: Playing | None) -> int:
    """When a visit began, by the time that its app was told."""
    if (pinned_us := stage.play.pacing.now_us) is not None:
        return pinned_us
    return playing.opened_at_us if playing else wall_clock_us()


def _list(found: Any) -> list[dict[str, Any]]:
    return list(found)
