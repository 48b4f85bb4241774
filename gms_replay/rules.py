"""What a user says beside, or against, what we know of GMS: the rules file, in TOML.

    [identities]
    fields = ["ticketNo"]       # what answers give there is told otherwise to each further session
    exempt = ["orderCode"]      # what stands there is never

    [times]
    appointmentAt = "event"     # moves with the story; "calendar" by whole steps of the slots' grid; "keep" not at all

    [match]
    free = ["build"]            # a request may say something else there
    exact = ["subject"]         # or may not, though we would let it

    [sessions]
    alice = 2                   # ?gms_session=alice plays the second visit

    [pushes]
    refuse = { "00fc13ad…" = "Unregistered", "*" = "QUOTA_EXCEEDED" }
                                # pushes to that device, or to any, are refused, with that reason of APNs or of FCM
    check_authorization = true  # and those whose credentials have not the documented form

    [diff]
    volatile = ["dialog connect: _access_code", "start chat: *"]
                                # where two recordings may differ: as `diff --json` tells a "rule", with * for anything
    slower_factor = 3           # what takes more than so many times as long
    slower_floor_s = 2          # and so much longer is slower

    [redact]
    fields = ["ticketNo"]       # private too: fields of bodies, queries and forms, cookies and headers
    keep = ["agentName"]        # not private, though we would say so
    region = "DE"               # the country of phone numbers that name none
    typed = true                # what people type is private as a whole

    [[faults]]                  # one for each thing that goes wrong; see `faults`
    on = "/meta/connect"
    do = "reset"
    times = [3]

Of [times], a field may also hold an object whose keys are instants.
A field is the last key before a value, or several, joined by dots, if one does not say enough ("order.ticketNo").
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from gms_replay import fault_rules, gms, privacy, reasons
from gms_replay.errors import OptionError
from gms_replay.faults import Fault
from gms_replay.gms import InstantClass, Path

_KEEP = "keep"
_TIMES = (*InstantClass, _KEEP)
_LISTS = {"identities": ("fields", "exempt"), "match": ("free", "exact")}
_REDACT = ("fields", "keep", "region", "typed")
_REGION = re.compile("[A-Z]{2}")
_DIFF = {"slower_factor": 1.0, "slower_floor_s": 0.0}
"""Numbers of [diff], each with the least that it may be."""
_SECTIONS = ("identities", "times", "match", "sessions", "pushes", "diff", "redact")
_FAULTS = "faults"
_PUSHES = ("refuse", "check_authorization")
_ANY_DEVICE = "*"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one file; without any, what `gms` knows. `visits`: the numbers of visits by names of sessions.

    `refused`: why pushes are, by their devices. `checks_authorization`: whether a push's credentials are looked at.
    `volatile`: where recordings may differ; `slower_factor` and `slower_floor_s`: what is slower, None where not said.
    `redacted`: fields that are private, `unredacted`: those that are not; `region`: the country of phone numbers that
    name none; `types`: whether what people type is private.
    `credentials`: headers, in lower case, that hold some whatever their names say, and whatever is `unredacted`; no
    file names them, for they are of one run.
    `faults`: what goes wrong for apps.
    """

    identities: frozenset[str] = frozenset()
    exempt: frozenset[str] = frozenset()
    times: Mapping[str, InstantClass | None] = field(default_factory=dict)
    free: frozenset[str] = frozenset()
    exact: frozenset[str] = frozenset()
    visits: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    checks_authorization: bool = False
    volatile: frozenset[str] = frozenset()
    slower_factor: float | None = None
    slower_floor_s: float | None = None
    redacted: frozenset[str] = frozenset()
    unredacted: frozenset[str] = frozenset()
    region: str | None = None
    types: bool = False
    credentials: frozenset[str] = frozenset()
    faults: tuple[Fault, ...] = ()

    def is_identity(self, path: Path) -> bool:
        """Whether what an answer gives at a path is an identity, whatever becomes of it."""
        return not self.is_exempt(path) and (_names(self.identities, path) is not None or gms.is_identity(path))

    def is_exempt(self, path: Path) -> bool:
        """Whether what stands at a path is never an identity."""
        return _names(self.exempt, path) is not None

    def instant_class(self, path: Path) -> InstantClass | None:
        """The class of the instant that stands at a path; None where none stands, or where it stays."""
        named = _names(self.times, path)
        return gms.instant_class(path) if named is None else self.times[named]

    def key_class(self, path: Path) -> InstantClass | None:
        """The class of the instant that a key is: by its own looks a time slot's, unless the field around it is named.

        `path` ends with the key. None where it is no instant, or stays.
        """
        named = _names(self.times, path[:-1])
        return gms.key_class(path) if named is None else self.times[named]

    def is_kept(self, path: Path) -> bool:
        """Whether what stands at a path is no instant, whatever it looks like."""
        named = _names(self.times, path)
        return named is not None and self.times[named] is None

    def is_free(self, name: str) -> bool:
        """Whether a request may say anything in a field (as `fields` names it), and still be the recorded one."""
        path = tuple(name.split("."))
        if _names(self.exact, path) is not None:
            return False
        return _names(self.free, path) is not None or name in gms.FREE_FIELDS or self.is_private(path)

    def is_private(self, path: Path) -> bool:
        """Whether what stands at a path is a secret, which is another in each recording."""
        return self.private_kind(path, is_told=False) is not None

    def private_kind(self, path: Path, *, is_told: bool) -> privacy.Kind | None:
        """What is private at a path of a body, or in the field that it names; None for nothing. `is_told`: by GMS."""
        if privacy.named(self.unredacted, path):
            return None
        found = privacy.field(path, is_told=is_told)
        if found in (None, privacy.Kind.TEXT) and privacy.named(self.redacted, path):
            return privacy.Kind.USER
        return found

    def refusal(self, device: str | None, known: Collection[str]) -> str | None:
        """Why a push to that device is refused, in a provider's words, which are `known`; None where it is not."""
        said = (self.refused.get(name) for name in (device or _ANY_DEVICE, _ANY_DEVICE))
        return next((reason for reason in said if reason in known), None)


def load(text: str, name: str) -> Rules:
    """The rules of a file of that name. Raises OptionError, which names the file and the field."""
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"{name}: no TOML: {error}") from None
    faults = fault_rules.read_all(said.pop(_FAULTS, []), f"{name}: {_FAULTS}")
    for section, content in said.items():
        if section not in _SECTIONS:
            raise OptionError(f"{name}: there is no section [{section}]; there are {_listed((*_SECTIONS, _FAULTS))}")
        if not isinstance(content, dict):
            raise OptionError(f"{name}: {section}: it is a section: write [{section}], and its fields below")
    lists = {section: _lists(said.get(section, {}), section, name) for section in _LISTS}
    return Rules(
        identities=lists["identities"]["fields"],
        exempt=lists["identities"]["exempt"],
        times=_times(said.get("times", {}), name),
        free=lists["match"]["free"],
        exact=lists["match"]["exact"],
        faults=faults,
        visits=_visits(said.get("sessions", {}), name),
        **_pushes(said.get("pushes", {}), name),
        **_diff(said.get("diff", {}), name),
        **_redact(said.get("redact", {}), name),
    )


def _lists(said: Mapping[str, Any], section: str, name: str) -> dict[str, frozenset[str]]:
    for key, value in said.items():
        if key not in _LISTS[section]:
            raise OptionError(f"{name}: {section}.{key}: no such field; there are {_listed(_LISTS[section])}")
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise OptionError(f'{name}: {section}.{key}: it is a list of fields: write ["one", "another"]')
    return {key: frozenset(said.get(key, ())) for key in _LISTS[section]}


def _times(said: Mapping[str, Any], name: str) -> dict[str, InstantClass | None]:
    found: dict[str, InstantClass | None] = {}
    for key, value in _flat(said):
        if value not in _TIMES:
            raise OptionError(f"{name}: times.{key}: {value!r}: it is one of {_listed(_TIMES)}")
        found[key] = None if value == _KEEP else InstantClass(value)
    return found


def _visits(said: Mapping[str, Any], name: str) -> dict[str, int]:
    for key, value in said.items():
        if not key:
            raise OptionError(f'{name}: sessions."": a session without a name is none; name it')
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise OptionError(f"{name}: sessions.{key}: {value!r}: it is the number of a recorded visit, from 1")
    return dict(said)


def _pushes(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    for key in said:
        if key not in _PUSHES:
            raise OptionError(f"{name}: pushes.{key}: no such field; there are {_listed(_PUSHES)}")
    checks, refused = said.get("check_authorization", False), said.get("refuse", {})
    if not isinstance(checks, bool):
        raise OptionError(f"{name}: pushes.check_authorization: {checks!r}: it is true or false")
    if not isinstance(refused, dict):
        raise OptionError(f'{name}: pushes.refuse: it holds devices: write {{ "*" = "Unregistered" }}')
    for device, reason in refused.items():
        if reason not in reasons.ALL:
            there_are = f"no provider's reason; there are {_listed(reasons.ALL)}"
            raise OptionError(f'{name}: pushes.refuse."{device}": {reason!r}: {there_are}')
    return {"refused": dict(refused), "checks_authorization": checks}


def _diff(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    for key, value in said.items():
        if key == "volatile":
            if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
                raise OptionError(f'{name}: diff.volatile: it is a list of places: write ["dialog connect: _label"]')
        elif key not in _DIFF:
            raise OptionError(f"{name}: diff.{key}: no such field; there are volatile, {_listed(_DIFF)}")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not value >= _DIFF[key]:
            raise OptionError(f"{name}: diff.{key}: {value!r}: it is a number, {_DIFF[key]:g} or more")
        else:
            numbers[key] = float(value)
    return {"volatile": frozenset(said.get("volatile", ()))} | numbers


def _redact(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    for key in said:
        if key not in _REDACT:
            raise OptionError(f"{name}: redact.{key}: no such field; there are {_listed(_REDACT)}")
    for key in ("fields", "keep"):
        value = said.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise OptionError(f'{name}: redact.{key}: it is a list of fields: write ["one", "another"]')
    region, types = said.get("region"), said.get("typed", False)
    if region is not None and not (isinstance(region, str) and _REGION.fullmatch(region)):
        raise OptionError(f'{name}: redact.region: {region!r}: it is the code of a country, like "DE"')
    if not isinstance(types, bool):
        raise OptionError(f"{name}: redact.typed: {types!r}: it is true or false")
    fields, kept = frozenset(said.get("fields", ())), frozenset(said.get("keep", ()))
    return {"redacted": fields, "unredacted": kept, "region": region, "types": types}


def _flat(said: Mapping[str, Any], above: str = "") -> list[tuple[str, Any]]:
    """Fields and values: an unquoted dotted key of TOML's is a table in a table."""
    found: list[tuple[str, Any]] = []
    for key, value in said.items():
        found += _flat(value, f"{above}{key}.") if isinstance(value, dict) else [(above + key, value)]
    return found


def _names(fields: Collection[str], path: Path) -> str | None:
    """Which of the fields names a path, if one does: the longest."""
    if not fields:
        return None
    keys = [step for step in path if isinstance(step, str)]
    endings = (".".join(keys[at:]) for at in range(len(keys)))
    return next((ending for ending in endings if ending in fields), None)


def _listed(words: Collection[str]) -> str:
    return ", ".join(words)
