import re
from pathlib import Path

import pytest

from gms_replay.acts import MissingAct
from gms_replay.clocks import Clock, Pacing
from gms_replay.errors import OptionError
from gms_replay.limits import Limits
from gms_replay.model import Redaction
from gms_replay.redact.wishes import Wish
from gms_replay.replay import options
from gms_replay.replay.hosts import Others
from gms_replay.replay.plays import Play
from gms_replay.rules import Rules
from gms_replay.timeline import Shift


def settings(**given: str | list[str]) -> options.Settings:
    """The options of a plain start, but for those that are given, without their `gms_`."""
    said = {name: [default] for name, (default, _) in options.OPTIONS.items()} | {"gms_cassette": ["visit.sqlite"]}
    for name, value in given.items():
        said[f"gms_{name}"] = [value] if isinstance(value, str) else value
    return options.settings(said)


def test_little_needs_be_said() -> None:
    plain = options.Settings(Play(Path("visit.sqlite")), strict=False, token=None, hosts=None, others=Others.BLOCK)

    assert settings() == plain


def test_all_can_be_said(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[pushes]\nrefuse = { "*" = "Shutdown" }\n')
    told = settings(
        cassette="~/a.sqlite", now="2014-05-02T16:27:38Z", shift="weeks", clock="virtual", speed="2.5",
        missing_act="wait", seed="7", on_miss="pass:http://gms.example", record_new="new.sqlite", rules=str(rules),
        push_to=["http://localhost:9000/push", "apns:due"], bundle_id="com.example.app", hold_pushes="on", strict="on",
        hosts="^gms", others="pass", redact="off", token="0123456789", limit=["sessions=5", "depth=7"],
    )  # fmt: skip

    play = Play(
        Path.home() / "a.sqlite",
        Pacing(1_399_048_058_000_000, 2.5, MissingAct.WAIT, Clock.VIRTUAL, Shift.WEEKS),
        7,
        Rules(refused={"*": "Shutdown"}),
        "pass:http://gms.example",
        Path("new.sqlite"),
        ("http://localhost:9000/push", "apns:due"),
        "com.example.app",
        holds_pushes=True,
        wish=Wish(Redaction.OFF, rules=Rules(refused={"*": "Shutdown"})),
        rules_file=rules,
        limits=Limits(sessions=5, depth=7),
    )
    assert told == options.Settings(play, strict=True, token="0123456789", hosts=re.compile("^gms"), others=Others.PASS)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"cassette": ""}, "gms_cassette is missing: name the file to play"),
        ({"cassette": ["a", "b"]}, "gms_cassette takes one value, not 2"),
        ({"now": "yesterday"}, "gms_now: 'yesterday' is no instant; write it like"),
        ({"shift": "days"}, "gms_shift is one of exact, weeks, not 'days'"),
        ({"clock": "sun"}, "gms_clock is one of real, virtual, not 'sun'"),
        ({"hosts": "("}, "gms_hosts is no regular expression"),
        ({"others": "dial"}, "gms_others is one of block, pass, not 'dial'"),
        ({"speed": "0"}, "gms_speed is a number from 0.001 to 1000, not '0'"),
        ({"speed": "nan"}, "gms_speed is a number"),
        ({"speed": "fast"}, "gms_speed is a number"),
        ({"missing_act": "guess"}, "gms_missing_act is one of wait, go-on, miss, not 'guess'"),
        ({"redact": "yes"}, "gms_redact is one of off, on, typed, not 'yes'"),
        ({"redact_key": "/no/such/key"}, "gms_redact_key: /no/such/key: cannot be read"),
        ({"seed": "x"}, "gms_seed is a whole number, not 'x'"),
        ({"rules": "none.toml"}, "none.toml: cannot be read: No such file or directory"),
        ({"token": "short"}, "gms_token: a token has 8 or more letters"),
        ({"limit": ["session=5"]}, "gms_limit session=5: there is no limit 'session'"),
        ({"hold_pushes": "yes"}, "gms_hold_pushes is one of on, off, not 'yes'"),
        ({"strict": "yes"}, "gms_strict is one of on, off, not 'yes'"),
    ],
)
def test_wrong_value_is_refused(given: dict[str, str | list[str]], complaint: str) -> None:
    with pytest.raises(OptionError, match=re.escape(complaint)):
        settings(**given)
