"""What a device gets of a push: the provider's own envelope is off.

What Google hands on is said in its "FCM REST reference", what a simulated device takes in `xcrun simctl help push`.
"""

import json
import re
from typing import Any

from gms_replay import pushes
from gms_replay.model import Push
from gms_replay.pushes import Derived, Notification

BUNDLE_KEY = "Simulator Target Bundle"
"""The field by which Xcode's simulator knows which app a payload is for."""

_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 80


def for_device(one: Notification | Derived) -> bytes:
    """What the app gets to read: of APNs and of HTTP the payload as it was, of FCM what it hands on.

    For what is derived it is what GMS sends by APNs, with the action's name for people to read: nobody knows the words.
    """
    if isinstance(one, Derived):
        message = {"_id": one.service_id, "_action": one.action}
        return _written({"aps": {"alert": one.action}, "message": message})
    handed_on = _handed_on(_parsed(one.payload)) if one.provider == "fcm" else None
    return one.payload if handed_on is None else _written(handed_on)


def for_simulator(payload: bytes, bundle_id: str) -> bytes:
    """What a device got, in the form of a `.apns` file for one app.

    What is no APNs payload becomes one: an alert of what people read, and what the app reads beside it. Of a payload
    that does not parse that is all that is left.
    """
    said = _parsed(payload)
    if not (isinstance(said, dict) and isinstance(said.get("aps"), dict)):
        said = _as_apns(said, pushes.read(Push(0, 0, None, "apns", 0, payload), None))
    return _written({BUNDLE_KEY: bundle_id} | said | {BUNDLE_KEY: bundle_id})


def file_name(number: int, whose: str, action: str | None) -> str:
    """What the `.apns` file of a push is called, so that they are in order: `0001-alice-connect-inbound.apns`."""
    return _NO_NAME.sub("-", f"{number:04}-{whose}-{action or 'push'}")[:_LONGEST_NAME] + ".apns"


def _handed_on(said: Any) -> dict[str, Any] | None:
    """What Google hands on of a message; None where it is none."""
    message = said.get("message", said) if isinstance(said, dict) else None
    if not isinstance(message, dict):
        return None
    android, apns = _object(message, "android"), _object(message, "apns")
    data = _object(message, "data") | _object(android, "data")
    notification = _object(message, "notification") | _object(android, "notification")
    if of_apple := _object(apns, "payload"):
        alert = {name: notification[name] for name in ("title", "body") if name in notification}
        aps = ({"alert": alert} if alert else {}) | _object(of_apple, "aps")
        return data | of_apple | {"aps": aps}
    told = {"notification": notification, "data": data}
    return {name: value for name, value in told.items() if value}


def _object(said: dict[str, Any], name: str) -> dict[str, Any]:
    """The object in a field; an empty one where there is none."""
    found = said.get(name)
    return found if isinstance(found, dict) else {}


def _as_apns(said: Any, read: Notification) -> dict[str, Any]:
    if not isinstance(said, dict):
        message = {"_id": read.service_id, "_action": read.action}
        return {"aps": {"alert": read.alert or read.action or ""}, "message": message}
    custom = _object(said, "data") or {"message": said.get("message", said)}
    return custom | {"aps": {"alert": said.get("notification") or read.alert or read.action or ""}}


def _parsed(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None


def _written(said: dict[str, Any]) -> bytes:
    # What JSON escapes may be no character: half a surrogate pair stays the escape that it was.
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "backslashreplace")
