"""What a device is told when an agent is free, as whatever carries it wants it written.

`_device_os` says what carries it, `_device_notification_id` to whom: the vendor's samples start callbacks with both.
Of the types that the vendor's options reference has (`pushEnabled`) these are told:

- `ios` by APNs (Apple, "Sending notification requests to APNs"),
- `fcm`, `gcm` and `android` by FCM (Google, "FCM REST reference"): what the latter two had is gone,
- `httpcb` by a POST of the plain message to the URL that the app named as its device,
- `customhttp` by a POST of `deviceId` and `message` to the one URL that GMS is configured with (`customhttp.url`).

`comet`, `orscb`, and whatever else an app names, is not told. `push_notification_deviceid` and its like are fields of
chats. The `message` is as the vendor's article shows it; what GMS writes around it was never seen in public.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx

from gms_replay.simulator.chance import Chance
from gms_replay.simulator.clock import SECOND_US
from gms_replay.simulator.ids import push_id
from gms_replay.simulator.services import Service
from gms_replay.simulator.settings import PushSettings
from gms_replay.simulator.tokens import apns_token, oauth_token

_ALERT = "Agent is available right now"
_TITLE = "Callback"
_LIFE_S = 3600
# Apple refuses tokens that are older than an hour, and who renews them more often than every 20 minutes.
_TOKEN_LIFE_S = 1800
_TEXT = {"content-type": "text/plain;charset=UTF-8"}
_JSON = {"content-type": "application/json;charset=UTF-8"}
_NAME_SHOWN = 16
_URL_SHOWN = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """One POST. `device` is who it is for, in the log's words.

    `to_provider`: whether APNs or FCM has it, which say by the status whether it is worth another try.
    """

    device: str
    url: str
    headers: dict[str, str]
    body: bytes
    to_provider: bool = False


class _Route(NamedTuple):
    """How devices of a type are told: the option that says where, what it says, and who writes for there."""

    option: str
    url: str | None
    write: Callable[[str, Service, str, dict[str, str]], Notice | None]


class Notices:
    """Writes the notices of a simulated GMS; for whom it has none it says in the log, once for each type of device."""

    def __init__(self, settings: PushSettings, chance: Chance, now_us: Callable[[], int]) -> None:
        self._chance = chance
        self._now_us = now_us
        self._topic = settings.apns_topic
        self._project = settings.fcm_project
        self._said: set[str] = set()
        fcm = _Route("--fcm", settings.fcm, self._fcm)
        self._routes = {
            "ios": _Route("--apns", settings.apns, self._apns),
            "fcm": fcm,
            "gcm": fcm,
            "android": fcm,
            "httpcb": _Route("", "", _httpcb),
            "customhttp": _Route("--customhttp", settings.customhttp, _customhttp),
        }

    def write(self, service: Service, action: str) -> Notice | None:
        """The notice for a service's device that it is time for an action; None where the device is told nothing."""
        kind = service.fields.get("_device_os", "").lower()
        device = service.fields.get("_device_notification_id", "")
        if not (kind and device):
            return None
        route = self._routes.get(kind)
        if route is None:
            known = ", ".join(self._routes)
            # Of these apps may name as many as they like: they are one.
            self._say_once("", f"devices of type {kind[:_NAME_SHOWN]!r} are told nothing: there are {known}")
            return None
        if route.url is None:
            self._say_once(kind, f"devices of type {kind!r} are told nothing: {route.option} does not say where")
            return None
        return route.write(route.url, service, device, {"_id": service.id, "_action": action})

    def _say_once(self, kind: str, text: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            _log.warning("%s", text)

    def _apns(self, url: str, service: Service, device: str, message: dict[str, str]) -> Notice:
        now_s = self._now_us() // SECOND_US
        issued_s = now_s - now_s % _TOKEN_LIFE_S
        headers = {
            "authorization": f"bearer {apns_token(self._chance.source('apns token', issued_s), issued_s)}",
            "apns-id": push_id(self._chance.source("push", service.number, service.turn)),
            "apns-topic": self._topic,
            "apns-push-type": "alert",
            "apns-priority": "10",
            "apns-expiration": str(now_s + _LIFE_S),
        }
        at = f"{url.rstrip('/')}/3/device/{quote(device, safe='')}"
        body = _json({"aps": {"alert": _ALERT}, "message": message})
        return Notice(_named("ios", device), at, headers, body, to_provider=True)

    def _fcm(self, url: str, service: Service, device: str, message: dict[str, str]) -> Notice:
        now_s = self._now_us() // SECOND_US
        token = oauth_token(self._chance.source("fcm token", now_s - now_s % _TOKEN_LIFE_S))
        told = {
            "token": device,
            "notification": {"title": _TITLE, "body": _ALERT},
            # It knows only strings.
            "data": {"message": _json(message).decode()},
        }
        at = f"{url.rstrip('/')}/v1/projects/{self._project}/messages:send"
        headers = {"authorization": f"Bearer {token}", **_JSON}
        return Notice(_named("fcm", device), at, headers, _json({"message": told}), to_provider=True)


def _httpcb(url: str, service: Service, device: str, message: dict[str, str]) -> Notice | None:
    return Notice(device[:_URL_SHOWN], device, _TEXT, _json(message)) if _is_http(device) else None


def _customhttp(url: str, service: Service, device: str, message: dict[str, str]) -> Notice:
    body = _json({"deviceId": device, "message": _json(message).decode()})
    return Notice(_named("customhttp", device), url, _JSON, body)


def _named(kind: str, device: str) -> str:
    """A device whose whole token is nobody's business."""
    shown = device if len(device) <= _NAME_SHOWN else f"{device[:_NAME_SHOWN]}…"
    return f"the {kind} device {shown!r}"


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _is_http(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host) and 0 < (parsed.port or 80) < 65536
