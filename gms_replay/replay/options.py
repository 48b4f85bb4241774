"""What the replay server in mitmdump can be told: what `gms-replay serve` can, as far as it makes sense there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gms_replay import access, limits
from gms_replay.errors import OptionError
from gms_replay.mitmdump.options import one, pattern
from gms_replay.replay import plays
from gms_replay.replay.hosts import Others
from gms_replay.replay.plays import Play

CASSETTE = "gms_cassette"
NOW = "gms_now"
SHIFT = "gms_shift"
CLOCK = "gms_clock"
SPEED = "gms_speed"
MISSING_ACT = "gms_missing_act"
REDACT = "gms_redact"
REDACT_KEY = "gms_redact_key"
SEED = "gms_seed"
ON_MISS = "gms_on_miss"
RECORD_NEW = "gms_record_new"
PUSH_TO = "gms_push_to"
BUNDLE_ID = "gms_bundle_id"
HOLD_PUSHES = "gms_hold_pushes"
RULES = "gms_rules"
STRICT = "gms_strict"
LIMIT = "gms_limit"
TOKEN = "gms_token"
HOSTS = "gms_hosts"
OTHERS = "gms_others"


class Switch(StrEnum):
    """Whether something is wanted."""

    ON = "on"
    OFF = "off"


OPTIONS = {
    CASSETTE: ("", "The cassette to play."),
    NOW: ("", "Instant at which every session starts for its app. Default: now."),
    SHIFT: ("exact", "How far time slots move: exact, or by whole weeks."),
    CLOCK: ("real", "real: time passes. virtual: it stands, and jumps to what comes next when the app waits for it."),
    SPEED: ("1", "How many times faster than recorded."),
    MISSING_ACT: ("go-on", "What to do when the app does not do what the story waits for: wait, go-on or miss."),
    SEED: ("0", "What the ids of further sessions are drawn from."),
    ON_MISS: ("error", "What to do with a request that the cassette has no answer for: error (404), or pass:URL."),
    RECORD_NEW: ("", "The cassette to record into what comes anew: misses that are sent on, pushes that come in."),
    REDACT: ("on", "What of that is replaced by stand-ins: on (secrets), typed (what people type, too), or off."),
    REDACT_KEY: ("", "A file with a key of your own for these stand-ins. Default: one is drawn."),
    PUSH_TO: ("", "Who stands in for the devices: a URL, apns:FOLDER or simctl:DEVICE. May be repeated."),
    BUNDLE_ID: ("", "The app that .apns files, and pushes to Xcode's simulator, are for."),
    HOLD_PUSHES: ("off", "on: pushes are held back until a test releases them."),
    RULES: ("", "What is special to your GMS: a file with identities, times, matching, pushes."),
    STRICT: ("off", "on: exit 1 at the end after misses, pushes unlike the cassette's, or where parts were unused."),
    LIMIT: ("", f"What is more is refused: NAME=NUMBER. May be repeated. Default: {limits.listed()}."),
    TOKEN: (
        "",
        "What other machines give to ask /__gms_replay__/. Default: GMS_REPLAY_TOKEN; else one is drawn.",
    ),
    HOSTS: ("", "Play to who asks a host whose host:port has this regular expression. Default: the cassette's hosts."),
    OTHERS: ("block", "What becomes of other hosts: block, or pass. Reverse proxies have none."),
}
"""Each option's name, to its default and its help."""


_PREFIX = "gms_"
_OURS = (CASSETTE, STRICT, TOKEN, HOSTS, OTHERS)
"""What is no keyword of `plays.play`."""
_LISTS = (PUSH_TO, LIMIT)


@dataclass(frozen=True, slots=True)
class Settings:
    """The options, checked."""

    play: Play
    strict: bool
    token: str | None
    hosts: re.Pattern[str] | None
    others: Others


def settings(given: Mapping[str, Sequence[str]]) -> Settings:
    """The options as they were given, each a list of values. Raises OptionError."""
    said = {name: one(name, given[name]) for name in OPTIONS if name not in _LISTS}
    if not said[CASSETTE]:
        raise OptionError(f"{CASSETTE} is missing: name the file to play, --set {CASSETTE}=visit.sqlite")
    # What has no default is not said where it is empty.
    options: dict[str, object] = {
        name.removeprefix(_PREFIX): value
        for name, value in said.items()
        if name not in _OURS and (value or OPTIONS[name][0])
    }
    options |= {name.removeprefix(_PREFIX): tuple(filter(None, given[name])) for name in _LISTS}
    options["hold_pushes"] = plays.word(HOLD_PUSHES, said[HOLD_PUSHES], Switch) is Switch.ON
    play = plays.play(said[CASSETTE], options, prefix=_PREFIX)
    return Settings(
        play,
        strict=plays.word(STRICT, said[STRICT], Switch) is Switch.ON,
        token=access.token(TOKEN, said[TOKEN]) if said[TOKEN] else None,
        hosts=pattern(HOSTS, said[HOSTS]),
        others=plays.word(OTHERS, said[OTHERS], Others),
    )
