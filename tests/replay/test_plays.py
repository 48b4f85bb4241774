import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gms_replay.acts import MissingAct
from gms_replay.clocks import Clock, Pacing
from gms_replay.errors import OptionError
from gms_replay.faults import Do, Fault
from gms_replay.limits import Limits
from gms_replay.model import Redaction
from gms_replay.redact.wishes import Wish
from gms_replay.replay.plays import Play, play
from gms_replay.rules import Rules
from gms_replay.timeline import Shift


def test_little_needs_be_said() -> None:
    assert play("visit.sqlite", {}) == Play(Path("visit.sqlite"))


def test_all_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('[match]\nfree = ["build"]\n')
    (tmp_path / "key").write_text("sixteen bytes...")
    told = play(
        Path("a.sqlite"),
        {
            "now": datetime(2014, 5, 2, 16, 27, 38, tzinfo=UTC), "shift": "weeks", "clock": "virtual", "speed": 2.5,
            "missing_act": "wait", "seed": 7, "on_miss": "pass:http://gms.example", "record_new": "new.sqlite",
            "rules": "rules.toml", "push_to": ["http://localhost:9000/push"], "bundle_id": "com.example.app",
            "hold_pushes": True, "session": "alice:2", "redact": "typed", "redact_key": "key",
            "limit": "sessions=5", "faults": [{"on": "send", "do": "reset", "times": [3]}],
        },
        tmp_path,
    )  # fmt: skip

    assert told == Play(
        tmp_path / "a.sqlite",
        Pacing(1_399_048_058_000_000, 2.5, MissingAct.WAIT, Clock.VIRTUAL, Shift.WEEKS),
        7,
        Rules(free=frozenset({"build"})),
        "pass:http://gms.example",
        tmp_path / "new.sqlite",
        ("http://localhost:9000/push",),
        "com.example.app",
        True,
        "alice:2",
        Wish(Redaction.TYPED, b"sixteen bytes...", Rules(free=frozenset({"build"}))),
        tmp_path / "rules.toml",
        limits=Limits(sessions=5),
        faults=(Fault("send", Do.RESET, times=frozenset({3})),),
    )


def test_visit_and_target_may_be_plain() -> None:
    told = play("visit.sqlite", {"session": 2, "push_to": "apns:due", "now": None, "rules": None})

    assert (told.session, told.push_to) == ("2", ("apns:due",))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"speeed": 2}, "speeed: no such option; there are bundle_id, clock, "),
        ({"now": "yesterday"}, "now: 'yesterday' is no instant; write it like"),
        ({"now": datetime(2014, 5, 2)}, "now: 2014-05-02 00:00:00 has no time zone"),
        ({"now": 7}, "now: 7 is no instant"),
        ({"clock": "sun"}, "clock is one of real, virtual, not 'sun'"),
        ({"clock": None}, "clock is one of real, virtual, not None"),
        ({"speed": 0}, "speed is a number from 0.001 to 1000, not 0"),
        ({"speed": None}, "speed is a number from 0.001 to 1000, not None"),
        ({"speed": float("nan")}, "speed is a number"),
        ({"missing_act": "guess"}, "missing_act is one of wait, go-on, miss, not 'guess'"),
        ({"seed": "x"}, "seed is a whole number, not 'x'"),
        ({"seed": None}, "seed is a whole number, not None"),
        ({"speed": True}, "speed is a number from 0.001 to 1000, not True"),
        ({"seed": True}, "seed is a whole number, not True"),
        ({"seed": 1.5}, "seed is a whole number, not 1.5"),
        ({"rules": "none.toml"}, "none.toml: cannot be read: No such file or directory"),
        ({"rules": 7}, "rules is the path of a file, not 7"),
        ({"hold_pushes": "yes"}, "hold_pushes is True or False, not 'yes'"),
        ({"push_to": 7}, "push_to is a text, or a list of texts, not 7"),
        ({"on_miss": None}, "on_miss is a text, not None"),
        ({"session": "al ice"}, "gms_session: 'al ice' names no session"),
        ({"session": True}, "session is a text, not True"),
    ],
)
def test_wrong_value_is_refused(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(OptionError, match=re.escape(complaint)):
        play("visit.sqlite", options)


@pytest.mark.parametrize("cassette", [None, "", 7])
def test_cassette_is_a_path(cassette: object) -> None:
    with pytest.raises(OptionError, match="cassette"):
        play(cassette, {})
