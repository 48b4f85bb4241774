"""The vocabulary of GMS: which request is which operation, which field is an instant, an identity, a URL.

Nothing here judges or decides; it names. Paths are those of the vendor's API pages, versions 1 and 2; the part before
them (`/genesys` unless renamed) is called the base and may be anything.
"""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from gms_replay import bayeux, instants, jsonp, recall
from gms_replay.errors import BayeuxError
from gms_replay.model import Headers, header

Path = tuple[str | int, ...]
"""Where a value stands in a body: keys and list positions from the outside in."""


class Kind(StrEnum):
    """What a request does."""

    # An enumeration's own is Python's work, several times for each request.
    __hash__ = str.__hash__

    START_CALLBACK = "start callback"
    CANCEL_CALLBACK = "cancel callback"
    UPDATE_CALLBACK = "update callback"
    QUERY_CALLBACK = "query callback"
    AVAILABILITY = "availability"
    QUEUE_POSITION = "queue position"
    DIALOG = "dialog"
    REQUEST_CHAT = "request chat"
    START_CHAT = "start chat"
    SEND = "send"
    REFRESH = "refresh"
    TYPING = "typing"
    DISCONNECT_CHAT = "disconnect chat"
    CHAT = "chat"
    STORAGE = "storage"
    NODE_STATUS = "node status"
    COMET = "comet"
    PUSH = "push"
    PREFLIGHT = "preflight"
    OTHER = "other"


TAKE_FILES = frozenset({Kind.CHAT, Kind.STORAGE, Kind.OTHER})
"""What may carry files. What apps say in other requests is kept, for GMS says it again."""


class Act(StrEnum):
    """What the app does that moves the story on, in the kinds that are counted."""

    START = "start"
    DIALOG = "dialog act"
    SEND = "send"
    CHANGE = "cancel or update"
    DISCONNECT = "chat disconnect"


ACTS = {
    Kind.START_CALLBACK: Act.START,
    Kind.REQUEST_CHAT: Act.START,
    Kind.START_CHAT: Act.START,
    Kind.DIALOG: Act.DIALOG,
    Kind.SEND: Act.SEND,
    Kind.CANCEL_CALLBACK: Act.CHANGE,
    Kind.UPDATE_CALLBACK: Act.CHANGE,
    Kind.DISCONNECT_CHAT: Act.DISCONNECT,
}

POLLED = frozenset({Kind.QUEUE_POSITION, Kind.REFRESH, Kind.AVAILABILITY, Kind.QUERY_CALLBACK, Kind.NODE_STATUS})
"""What apps ask again and again: answered by the state of the story, never used up."""

CHANGED_BY_ACTS = frozenset({Kind.AVAILABILITY, Kind.QUERY_CALLBACK, Kind.QUEUE_POSITION})
"""Of these, what acts of the app change at once, whichever it was: a slot is taken, a snoozed callback queues anew."""

AWAITED = frozenset({Kind.QUEUE_POSITION, Kind.REFRESH})
"""Of these, what an app asks while it waits for something to happen."""

TELLS_LINES = frozenset({Kind.REQUEST_CHAT, Kind.START_CHAT, Kind.SEND, Kind.REFRESH, Kind.DISCONNECT_CHAT})
"""What is answered with lines of a chat, if there are any."""

OPENINGS = frozenset({Kind.START_CALLBACK, Kind.REQUEST_CHAT})
"""What begins a visit."""

PUBLISHED = "publish"
"""The method of an operation that was asked for over Comet."""


class Wish(NamedTuple):
    """What an app asks for: the dialog of a service that an action leads to."""

    service_id: str | None
    action: str | None


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request is about.

    `base` is the part of the path before GMS's own ("/genesys"); `name` tells operations of one kind apart
    (a service's name, a dialog's action, a chat verb); `service_id` is the service or chat that the path names.
    `method` is told only where it makes another operation: `PUBLISHED` over Comet. `version` is the API's.
    """

    kind: Kind
    base: str
    name: str = ""
    service_id: str | None = None
    version: str = ""
    method: str = ""
    key: tuple[str, ...] = dataclasses.field(init=False, repr=False, compare=False)
    """What two requests for the same thing have in common, wherever the server stands."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.kind, self.name, self.service_id or "", self.version, self.method))

    @property
    def act(self) -> Act | None:
        return ACTS.get(self.kind)

    @property
    def wish(self) -> Wish | None:
        """Which dialog is asked for; None for all else."""
        return Wish(self.service_id, self.name) if self.kind is Kind.DIALOG else None

    def __str__(self) -> str:
        says_it_all = self.kind in (Kind.SEND, Kind.REFRESH, Kind.DISCONNECT_CHAT)
        return str(self.kind) if says_it_all else f"{self.kind} {self.name}".rstrip()


_SEGMENT = r"[^/]+"
_CHAT_VERBS = {
    "": Kind.START_CHAT,
    "send": Kind.SEND,
    "refresh": Kind.REFRESH,
    "startTyping": Kind.TYPING,
    "stopTyping": Kind.TYPING,
    "disconnect": Kind.DISCONNECT_CHAT,
}
_CALLBACK_METHODS = {
    "PUT": Kind.UPDATE_CALLBACK,
    "POST": Kind.UPDATE_CALLBACK,
    "DELETE": Kind.CANCEL_CALLBACK,
    "GET": Kind.QUERY_CALLBACK,
}


def _start_or_query(method: str, _: str) -> Kind:
    return Kind.START_CALLBACK if method == "POST" else Kind.QUERY_CALLBACK


def _one_callback(method: str, _: str) -> Kind:
    return _CALLBACK_METHODS.get(method, Kind.OTHER)


def _chat_verb(_: str, verb: str) -> Kind:
    return _CHAT_VERBS.get(verb, Kind.CHAT)


def _always(kind: Kind) -> Callable[[str, str], Kind]:
    return lambda method, name: kind


# The first pattern that fits names the operation (GMS API pages): `name` and `id` are what Operation holds.
_ROUTES: tuple[tuple[re.Pattern[str], Callable[[str, str], Kind]], ...] = tuple(
    (re.compile(rf"(?P<base>.*?){pattern}/?"), kind)
    for pattern, kind in (
        (rf"/(?P<version>[12])/service/callback/(?P<name>{_SEGMENT})/availability", _always(Kind.AVAILABILITY)),
        (rf"/(?P<version>[12])/service/callback/(?P<name>{_SEGMENT})/(?P<id>{_SEGMENT})", _one_callback),
        (rf"/(?P<version>[12])/service/callback/(?P<name>{_SEGMENT})", _start_or_query),
        (r"/(?P<version>1)/service/request-chat(?P<name>)", _always(Kind.REQUEST_CHAT)),
        (rf"/(?P<version>1)/service/(?P<id>{_SEGMENT})/check-queue-position", _always(Kind.QUEUE_POSITION)),
        (rf"/(?P<version>1)/service/(?P<id>{_SEGMENT})/ixn/chat(?:/(?P<name>{_SEGMENT}))?", _chat_verb),
        (rf"/(?P<version>1)/service/(?P<id>{_SEGMENT})/(?P<name>storage(?:/{_SEGMENT})?)", _always(Kind.STORAGE)),
        (rf"/(?P<version>1)/service/(?P<id>{_SEGMENT})/(?P<name>{_SEGMENT})", _always(Kind.DIALOG)),
        (rf"/(?P<version>2)/chat/{_SEGMENT}/(?P<id>{_SEGMENT})/(?P<name>{_SEGMENT}.*)", _chat_verb),
        (rf"/(?P<version>2)/chat/(?P<name>{_SEGMENT})", _always(Kind.REQUEST_CHAT)),
        (r"/(?P<version>2)/(?P<name>chat-ntf(?:/.+)?)", _always(Kind.CHAT)),
        (r"/(?P<version>1)/storage/(?P<name>.+)", _always(Kind.STORAGE)),
        (r"/(?P<version>1)/admin/node/(?P<name>status)", _always(Kind.NODE_STATUS)),
        (r"/(?P<version>[12])/(?P<name>(?:service|chat)/.+)", _always(Kind.OTHER)),
        (rf"/3/(?P<name>device)(?:/{_SEGMENT})?", _always(Kind.PUSH)),
        (rf"/v1/projects/{_SEGMENT}/(?P<name>messages:send)", _always(Kind.PUSH)),
        (r"/(?P<name>fcm/send)", _always(Kind.PUSH)),
    )
)
_COMET = re.compile(r"/cometd(?=/|\Z)")

PUSH_PROVIDERS = {"device": "apns", "messages:send": "fcm", "fcm/send": "fcm", "httpcb": "httpcb"}
"""An operation's name, for those of kind PUSH, to the provider that is told."""


def recognise(method: str, target: str, body: bytes) -> Operation | None:
    """The operation that a request asks for; None where it is nothing of GMS's.

    `target` may carry a query. What holds Bayeux is Comet, at whatever path: `_comet_url` may name any.
    """
    path = target.partition("?")[0]
    named = _by_path(method, path)
    if named is None and any(map(_speaks_bayeux, _frames(method, target, body))):
        return Operation(Kind.COMET, path.rpartition("/")[0])
    if named is not None and method == "OPTIONS":
        return replace(named, kind=Kind.PREFLIGHT)
    return named


@recall.short(4096, recall.of_all)
def _by_path(method: str, path: str) -> Operation | None:
    for pattern, kind in _ROUTES:
        if found := pattern.fullmatch(path):
            parts = found.groupdict()
            name = parts.get("name") or ""
            meant = kind(method, name)
            told_method = method if meant in (Kind.STORAGE, Kind.OTHER) else ""
            return Operation(meant, parts["base"], name, parts.get("id"), parts.get("version") or "", told_method)
    # Whatever lies below, but files: CometD's own page serves its scripts from there.
    found = _COMET.search(path, path.rfind(".") + 1)
    return Operation(Kind.COMET, path[: found.start()]) if found else None


def _frames(method: str, target: str, body: bytes) -> tuple[bytes, ...]:
    if method == "POST":
        return bayeux.posted(body)
    polled = jsonp.asked(target) if method == "GET" else None
    return polled.frames if polled else ()


def _speaks_bayeux(frame: bytes) -> bool:
    try:
        return b"/meta/" in frame and any(bayeux.is_meta(message.channel) for message in bayeux.parse(frame))
    except BayeuxError:
        return False


def gms_user(headers: Headers) -> str | None:
    """The user that a request names: every request of an app carries this header."""
    return header(headers, USER_HEADER)


class InstantClass(StrEnum):
    """Which instants keep order among themselves (GMS.md, section 5).

    EVENT happens in the story; CALENDAR is a time slot, on a grid that must be kept.
    """

    EVENT = "event"
    CALENDAR = "calendar"


_CALENDAR_FIELDS = frozenset({"_desired_time", "_new_desired_time", "_expiration_time", "start_time", "end_time"})
_EVENT_FIELDS = frozenset({"_expires", "startedAt", "utcTime", "timestamp"})
_TIMESYNC_INSTANTS = frozenset({"tc", "ts"})
INSTANT_HEADERS = frozenset({"date", "expires", "last-modified", "set-cookie", "apns-expiration"})


def instant_class(path: Path) -> InstantClass | None:
    """The class of the instant that stands at a path of a body; None where no instant stands."""
    field = next((step for step in reversed(path) if isinstance(step, str)), None)
    if field in _CALENDAR_FIELDS or (field in ("utcTime", "localTime") and "slots" in path):
        return InstantClass.CALENDAR
    if field in _EVENT_FIELDS or (field in _TIMESYNC_INSTANTS and "timesync" in path):
        return InstantClass.EVENT
    return None


_DURATION_FIELDS = frozenset({"_dismiss_timeout", "_eta", "ttl", "durationMin"})
_ADVISED_DURATIONS = frozenset({"timeout", "interval", "maxInterval"})
_TIMESYNC_DURATIONS = frozenset({"l", "o", "p", "a"})


def is_duration(path: Path) -> bool:
    """Whether how long something takes stands at a path of a body: never an instant, whatever its number."""
    if not path:
        return False
    advised, synced = "advice" in path and path[-1] in _ADVISED_DURATIONS, path[-2:-1] == ("timesync",)
    return path[-1] in _DURATION_FIELDS or advised or (synced and path[-1] in _TIMESYNC_DURATIONS)


def key_class(path: Path) -> InstantClass | None:
    """The class of the instant that a key is, which ends the path; None where it is none: a number names anything."""
    found = instants.parse(str(path[-1]))
    return InstantClass.CALENDAR if found and found[1].style is instants.Style.ISO else None


def slots_clock(path: Path) -> tuple[Path, Path] | None:
    """For a slot's local time the paths of its UTC time and of the zone that is meant; None for all else."""
    if path[-1:] != ("localTime",) or "slots" not in path:
        return None
    return (*path[:-1], "utcTime"), (*path[: path.index("slots")], "timezone")


def is_elapsed(path: Path) -> bool:
    """Whether a path names a transcript line's fourth item: seconds since `startedAt`."""
    return len(path) >= 3 and path[-3] == "transcriptToShow" and path[-1] == 3


_IDENTITY_FIELDS = frozenset({"_id", "chatSessionId", "chatId", "userId", "secureKey", "alias", "BAYEUX_BROWSER"})


def is_identity(path: Path) -> bool:
    """Whether a path of an answer names an identity that GMS gave (GMS.md, section 6).

    A cookie's path is its name. A Comet frame's own `id` numbers the message; the one inside its `data` is an identity.
    """
    return bool(path) and (path[-1] in _IDENTITY_FIELDS or path[-2:] == ("data", "id"))


SAID_FIELDS = frozenset(
    {
        "message", "subject", "firstName", "lastName", "email", "userDisplayName", "nickname", "text",
        "_customer_number",
    }
)  # fmt: skip
"""Fields of requests that hold what people say, of themselves too."""

USER_HEADER = "gms_user"
USER_FIELDS = frozenset({"_user_header", USER_HEADER})
"""What in an answer names the user that the app gave in its header."""

_WORD_FIELDS = SAID_FIELDS | USER_FIELDS | frozenset(
    {
        "_action", "_dialog_id", "_dialog_type", "_group_name", "_label", "_text", "_ok_title", "_method", "_type",
        "_media_type", "_call_direction", "_language", "_device_os", "chatIxnState", "chatServiceMessage", "channel",
        "subscription", "connectionType", "version", "timezone", "operation", "type", "exception", "phrase",
        "transcriptToShow",
    }
)  # fmt: skip


def is_word(path: Path) -> bool:
    """Whether a path holds a word: of the vocabulary, or of what people say. Words are nobody's identity."""
    field = next((step for step in reversed(path) if isinstance(step, str)), None)
    return field in _WORD_FIELDS


_PLAIN_HEADERS = re.compile(
    r"(?:accept|access-control|content|if|sec|x-forwarded)-.*|accept|age|allow|cache-control|connection|date|expires"
    r"|forwarded|gms_user|host|keep-alive|last-modified|location|origin|pragma|referer|server|te|trailer"
    r"|transfer-encoding|upgrade|user-agent|vary|via|x-requested-with",
)


def is_plain_header(name: str) -> bool:
    """Whether a header, its name in lower case, is one of HTTP's that holds words, dates and addresses."""
    return _PLAIN_HEADERS.fullmatch(name) is not None


SHOWN_FIELDS = frozenset({"chatId", "secureKey"})
"""Of what an app of chat version 2 shows with each request, what says which chat it means."""

CREDENTIALS = SHOWN_FIELDS | {"userId", "alias"}
"""All that it shows: it was told them, and the alias may change at any time."""

SESSION_FIELDS = SHOWN_FIELDS | {"_id", "chatSessionId"}
"""Fields whose value belongs to one visit only: facts that share one belong together."""


def session_ids(data: object) -> frozenset[str]:
    """What the data of a Comet message, of either side, names that belongs to one visit only."""
    named = (data.get(field) for field in SESSION_FIELDS) if isinstance(data, dict) else ()
    return frozenset(value for value in named if isinstance(value, str) and value)


_POSITION = re.compile(r"\d{1,9}", re.ASCII)
_OUR_URL = re.compile(r"_(?:user_action|resource|start_chat|comet)_url|_chatIxnAPI_.+_URL")


def is_gms_url(field: str) -> bool:
    """Whether a field holds a URL of GMS's own, whichever host it names."""
    return _OUR_URL.fullmatch(field) is not None


DEVICE_FIELDS = ("_device_notification_id", "push_notification_deviceid")
"""What an app calls its device in: of callbacks, and of chats."""

FREE_FIELDS = SAID_FIELDS | frozenset(
    {
        "_device_os", "gms_user", "pushUrl", "transcriptPosition", "_id", "notify_by", *DEVICE_FIELDS, *CREDENTIALS,
    }
)  # fmt: skip
"""Request fields that say who asks or what is said, not what is wanted: they never make a request another one."""


def position(value: object) -> int | None:
    """A place in a transcript: text in frames, a number in some answers; None for anything else."""
    is_number = isinstance(value, str | int) and _POSITION.fullmatch(str(value))
    return int(str(value)) if is_number else None
