"""Rules for faults, as TOML's `[[faults]]` and the control API's JSON say them: one reader for both."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gms_replay import addresses, bayeux
from gms_replay.errors import OptionError
from gms_replay.faults import ANY, COMET, PUSH, Do, Fault
from gms_replay.gms import Kind

_WORDS = (ANY, COMET, PUSH)
OPERATIONS = tuple(kind.value for kind in Kind if kind not in (Kind.COMET, Kind.PUSH, Kind.PREFLIGHT))
META = (bayeux.HANDSHAKE, bayeux.CONNECT, bayeux.SUBSCRIBE, bayeux.UNSUBSCRIBE, bayeux.DISCONNECT)
"""The protocol's own channels that apps say."""
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
LONGEST_MS = 24 * 3600 * 1000
LARGEST = 1_000_000_000
_SWAPPED_WITHIN_MS = 10_000
_EXAMPLE = '{"on": "send", "do": "reset", "times": [3]}'

_TO_REQUESTS = frozenset({Do.DELAY, Do.ERROR, Do.RESET, Do.CUT, Do.GARBAGE, Do.HANG})
_TO_COMET = _TO_REQUESTS | {Do.FORGET}
_TO_OPERATIONS = _TO_REQUESTS | {Do.ALIAS}
_TO_MESSAGES = frozenset({Do.DELAY, Do.DOUBLE, Do.REORDER, Do.LOSE})
_TO_PUSHES = frozenset({Do.DELAY, Do.DOUBLE, Do.LOSE})
_PLAIN = ("on", "do", "session", "times", "first", "every", "count", "chance")
_SLOW = frozenset({Do.DELAY, Do.ERROR, Do.RESET, Do.REORDER})
_ERROR = frozenset({Do.ERROR})
_OF = {
    "delay_ms": _SLOW,
    "jitter_ms": _SLOW,
    "status": _ERROR,
    "status_code": _ERROR,
    "exception": _ERROR,
    "message": _ERROR,
    "after_bytes": frozenset({Do.CUT}),
    "advice": frozenset({Do.REFUSE}),
}
"""Fields that not every fault has, and which do."""
_ADVICE = ("none", "retry", "handshake")


def number(said: str | None) -> int | None:
    """A rule's number, as a path says it; None for all. Raises OptionError."""
    if said is not None and not _NUMBER.fullmatch(said):
        raise OptionError(f"{said[:80]!r} is no fault's number; GET lists them")
    return None if said is None else int(said)


def posted(body: bytes) -> Fault:
    """The rule that is to be added. Raises OptionError."""
    try:
        said = json.loads(body, parse_float=_number_said)
    except (ValueError, RecursionError):
        raise OptionError(f"the body must be a JSON object: {_EXAMPLE}") from None
    return read(said, "fault")


def read_all(said: object, where: str) -> tuple[Fault, ...]:
    """Rules as TOML or JSON has them, a list of tables. Raises OptionError, which names the field below `where`."""
    if not isinstance(said, list | tuple):
        raise OptionError(f"{where}: it is a list of rules, like [{_EXAMPLE}]; in TOML each begins with [[faults]]")
    return tuple(read(one, f"{where}[{number}]") for number, one in enumerate(said, 1))


def read(said: object, where: str) -> Fault:
    """One rule. Raises OptionError, which names the field, as all below."""
    if not isinstance(said, Mapping):
        raise OptionError(f"{where}: it is a rule, like {_EXAMPLE}, not {said!r:.80}")
    known = (*_PLAIN, *_OF)
    for name in said:
        if name not in known:
            raise OptionError(f"{where}.{name}: no such field; there are {', '.join(known)}")
    do = _word(said.get("do"), f"{where}.do", tuple(Do))
    for name, of in _OF.items():
        if name in said and do not in of:
            raise OptionError(f"{where}.{name}: only {_listed(of)} has it, not {do}")
    if "times" in said and (other := next((one for one in ("first", "every", "count", "chance") if one in said), None)):
        raise OptionError(f"{where}.{other}: times says which already; give one of the two")
    if do == Do.DELAY and not (said.get("delay_ms") or said.get("jitter_ms")):
        raise OptionError(f"{where}.delay_ms: how long? Give delay_ms, jitter_ms, or both")
    if "status" in said and "status_code" in said:
        raise OptionError(f"{where}.status: status_code comes with HTTP's 200; give one of the two")
    name, visit = _session(said, f"{where}.session")
    return Fault(
        on=_on(said.get("on"), Do(do), f"{where}.on"),
        do=Do(do),
        session=name,
        visit=visit,
        times=_times(said, f"{where}.times"),
        first=_whole(said, "first", 1, where, at_least=1),
        every=_whole(said, "every", 1, where, at_least=1),
        count=_whole(said, "count", None, where, at_least=1),
        chance=_number(said, "chance", 1, where, at_most=1),
        delay_ms=_number(said, "delay_ms", _SWAPPED_WITHIN_MS if do == Do.REORDER else None, where),
        jitter_ms=_number(said, "jitter_ms", 0, where),
        status=_whole(said, "status", 503, where, at_least=400, at_most=599),
        status_code=_whole(said, "status_code", None, where, at_least=1, at_most=2),
        exception=_text(said, "exception", where),
        message=_text(said, "message", where),
        after_bytes=_whole(said, "after_bytes", None, where, at_least=0),
        advice=_word(said["advice"], f"{where}.advice", _ADVICE) if "advice" in said else None,
    )


def _number_said(text: str) -> float:
    # To JSON 2.0 is as good an integer as 2.
    value = float(text)
    return int(value) if value.is_integer() else value


def _on(said: object, do: Do, where: str) -> str:
    if not isinstance(said, str) or not (said in _WORDS or said.startswith("/") or _is_operation(said)):
        there_are = f'{_listed(_WORDS)}, a channel like "/meta/connect" or "/_genesys", and {", ".join(OPERATIONS)}'
        raise OptionError(f"{where}: {said!r:.80}: nothing is called so; there are {there_are}")
    if bayeux.is_meta(said) and not any(bayeux.matches(said, channel) for channel in META):
        raise OptionError(f"{where}: {said!r:.80}: no app says that; there are {', '.join(META)}, and /meta/* for all")
    parent, _, last = said.rpartition("/")
    if said.startswith("/") and "*" in (parent if last in ("*", "**") else said):
        raise OptionError(
            f"{where}: {said!r:.80}: in a channel * stands for whole segments, at its end: /a/*, or /a/**"
        )
    may = _fitting(said)
    if do not in may:
        raise OptionError(f"{where}: {do} does not happen to {said!r:.80}; {_listed(sorted(may))} may")
    return said


def _fitting(on: str) -> frozenset[Do]:
    """What may happen to what is called so."""
    if on == PUSH or on.startswith(f"{PUSH} "):
        return _TO_PUSHES
    if on == bayeux.HANDSHAKE:
        return _TO_REQUESTS | {Do.REFUSE}
    if on == COMET or bayeux.is_meta(on):
        return _TO_COMET
    if on.startswith("/"):
        return _TO_MESSAGES
    return _TO_OPERATIONS


def _is_operation(said: str) -> bool:
    return any(said == name or said.startswith(f"{name} ") for name in (*OPERATIONS, PUSH))


def _session(said: Mapping[str, Any], where: str) -> tuple[str | None, int | None]:
    wish = said.get("session")
    if wish is None:
        return None, None
    # The text of one below 0 would be a name.
    if isinstance(wish, bool) or not isinstance(wish, str | int) or (isinstance(wish, int) and wish < 1):
        raise OptionError(f"{where}: {wish!r:.80}: it is a session's name, or the number of a visit")
    try:
        address = addresses.parse(str(wish))
    except OptionError as error:
        raise OptionError(f"{where}: {error}") from None
    return address.name, address.visit


def _times(said: Mapping[str, Any], where: str) -> frozenset[int]:
    times = said.get("times", ())
    listed = [times] if isinstance(times, int) else times
    if not isinstance(listed, list | tuple) or not all(map(_is_count, listed)) or ("times" in said and not listed):
        raise OptionError(f"{where}: {times!r:.80}: it is a number from 1, or a list of such, like [3]")
    return frozenset(listed)


def _is_count(said: object) -> bool:
    return isinstance(said, int) and not isinstance(said, bool) and 1 <= said <= LARGEST


def _whole(
    said: Mapping[str, Any], name: str, default: Any, where: str, *, at_least: int, at_most: int = LARGEST
) -> Any:
    value = said.get(name, default)
    if name in said and (isinstance(value, bool) or not isinstance(value, int) or not at_least <= value <= at_most):
        raise OptionError(f"{where}.{name}: {value!r:.80}: it is a whole number from {at_least} to {at_most}")
    return value


def _number(said: Mapping[str, Any], name: str, default: Any, where: str, *, at_most: float = LONGEST_MS) -> Any:
    value = said.get(name, default)
    # What is no number stands in no order, so it is not between the two.
    if name in said and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= at_most):
        raise OptionError(f"{where}.{name}: {value!r:.80}: it is a number from 0 to {at_most}")
    return value


def _text(said: Mapping[str, Any], name: str, where: str) -> str | None:
    value = said.get(name)
    if name in said and not isinstance(value, str):
        raise OptionError(f"{where}.{name}: {value!r:.80}: it is a text")
    return value


def _word(said: object, where: str, known: Collection[str]) -> str:
    if not isinstance(said, str) or said not in known:
        raise OptionError(f"{where}: {said!r:.80}: it is one of {_listed(known)}")
    return said


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
