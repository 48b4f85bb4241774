"""What an app reads of a push, whatever carried it: its alert, the fields of its `message`, and fields of its own.

Strategy: each carrier wraps this in an envelope of its own. A table says where in FCM's the app's part stands, and
what is for the carrier alone; what is left is named as APNs names it. FCM's `data` knows only strings, so objects stand
there as JSON text: they are opened, with their flaws, for the vendor's own have trailing commas. Names are those of
Apple's "Generating a remote notification" and of Google's "FCM REST reference" and "Legacy HTTP protocol".
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gms_replay import httpcb
from gms_replay.gms import Path
from gms_replay.spans import DEEPEST_STRING, Sort, plain_text, spans


@dataclass(frozen=True, slots=True)
class Value:
    """What stands at a path. `is_string`: as JSON has it; None where the carrier knows only strings."""

    text: str
    is_string: bool | None


EMPTY = Value("", is_string=False)
"""An object or array without anything in it."""

Contents = dict[Path, Value]
"""Paths as APNs has them, but for the alert: its title is `alert.title`, its text `alert.body`, in whichever form."""

# Where the app's part of FCM's messages stands, and as what; of several the first counts.
_UNWRAPPED: tuple[tuple[Path, Path], ...] = (
    (("message", "data"), ()),
    (("message", "notification"), ("notification",)),
    (("message", "android", "notification"), ("notification",)),
    (("message", "apns", "payload"), ()),
    (("data",), ()),
    (("notification",), ("notification",)),
)
_DATA: tuple[Path, ...] = (("message", "data"), ("data",))
# For whom it is, how long and how urgently the carrier is to try, and what it is to count.
_ENVELOPE: tuple[Path, ...] = (
    ("to",), ("registration_ids",), ("notification_key",), ("condition",), ("time_to_live",), ("priority",),
    ("collapse_key",), ("content_available",), ("mutable_content",), ("delay_while_idle",), ("dry_run",),
    ("restricted_package_name",), ("direct_boot_ok",), ("fcm_options",), ("validate_only",),
    ("message", "name"), ("message", "token"), ("message", "topic"), ("message", "condition"),
    ("message", "fcm_options"), ("message", "android"), ("message", "apns"), ("message", "webpush", "headers"),
)  # fmt: skip
_NAMES: dict[Path, Path] = {
    ("aps", "alert"): ("alert", "body"),
    ("notification", "title"): ("alert", "title"),
    ("notification", "body"): ("alert", "body"),
    ("notification", "sound"): ("aps", "sound"),
    ("notification", "badge"): ("aps", "badge"),
}
# As an object opens, and nothing that people write.
_OPENS_OBJECT = re.compile(r'\s*\{\s*"')


def read(provider: str, payload: bytes) -> Contents:
    """What an app reads of a payload; a payload that is no JSON stands whole at the empty path."""
    if provider == httpcb.PROVIDER:
        return _of_notice(dict(_leaves(httpcb.plain(payload), 0)))
    found = dict(_leaves(payload, 0))
    return _named(_unwrapped(found) if provider == "fcm" else found)


def _of_notice(found: Contents) -> Contents:
    """What is told of a notice: of one that is the message, that as a message."""
    found.pop(("deviceId",), None)
    return {("message", *path): value for path, value in found.items()} if ("_action",) in found else found


def _unwrapped(found: Contents) -> Contents:
    """The app's part of an FCM message, and whatever else nobody knows to be FCM's."""
    told: Contents = {}
    for prefix, instead in _UNWRAPPED:
        for path, value in found.items():
            if path[: len(prefix)] == prefix and len(path) > len(prefix):
                is_plain = prefix in _DATA and len(path) == len(prefix) + 1
                said = replace(value, is_string=None) if is_plain else value
                told.setdefault((*instead, *path[len(prefix) :]), said)
    known = (*_ENVELOPE, *(prefix for prefix, _ in _UNWRAPPED))
    for path, value in found.items():
        if all(path[: len(prefix)] != prefix for prefix in known):
            told.setdefault(path, value)
    return told


def _named(found: Contents) -> Contents:
    told: Contents = {}
    for path, value in found.items():
        is_alert = path[:2] == ("aps", "alert") and len(path) > 2
        told.setdefault(("alert", *path[2:]) if is_alert else _NAMES.get(path, path), value)
    return told


def _leaves(text: bytes, depth: int) -> Iterator[tuple[Path, Value]]:
    """What stands at the paths of a text, JSON in its strings opened; of what is empty that it is there."""
    keys: list[Path] = []
    held: set[Path] = set()
    for span in spans(text):
        raw = text[span.start : span.end]
        if span.sort is Sort.KEY:
            keys.append(span.path)
            continue
        for length in range(len(span.path), 0, -1):
            # Whatever is held is so with all that is around it.
            if span.path[:length] in held:
                break
            held.add(span.path[:length])
        if span.sort is Sort.TEXT:
            yield (), Value(raw.decode("utf-8", "backslashreplace").strip(), is_string=True)
            continue
        value = plain_text(raw)
        is_string = span.sort is Sort.STRING
        inside = list(_opened(value, depth)) if is_string else []
        yield from ((span.path + path, one) for path, one in inside)
        if not inside:
            yield span.path, Value(value, is_string)
    yield from ((path, EMPTY) for path in keys if path not in held)


def _opened(value: str, depth: int) -> Iterator[tuple[Path, Value]]:
    """What a string holds that is itself JSON; nothing for all other strings."""
    if depth < DEEPEST_STRING and value.lstrip()[:1] in ("{", "[") and (_OPENS_OBJECT.match(value) or _parses(value)):
        yield from _leaves(value.encode("utf-8", "backslashreplace"), depth + 1)


def _parses(value: str) -> bool:
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True
