"""A recorded app's requests, said to a live GMS: identities, places in a chat, URLs and instants, forwards.

Strategy: each live answer is laid beside the recorded one that it takes the place of, and what stands at the same place
in both is the same thing from then on. What no answer told is the app's own: its words are said as they were, and its
instants move with the clock, those of the calendar by whole weeks, so that a Tuesday stays one.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit

from gms_replay import gms, instants, timeslots
from gms_replay.gms import InstantClass, Kind, Operation, Path
from gms_replay.identities import is_mappable
from gms_replay.instants import SECOND_US
from gms_replay.model import Headers, Request, end_to_end, header
from gms_replay.occurrences import Finder, in_json
from gms_replay.spans import Sort, plain_text, spans

_WEEK_US = 7 * 86_400 * SECOND_US
_NOW_US = 60 * SECOND_US
"""An instant so near to the request that names it means now."""
_PLACES = frozenset({"transcriptPosition", "nextPosition"})
_WINDOW = frozenset({"start", "end", "start-ms", "end-ms"})
"""What a query for time slots names: instants, epochs too."""
_URL = re.compile(r"https?://[^\s\"]+")
_SET_ANEW = frozenset({"host", "cookie", "content-encoding", "accept-encoding"})
_ASKS_FOR_TIMES = frozenset({Kind.AVAILABILITY, Kind.START_CALLBACK, Kind.UPDATE_CALLBACK, Kind.QUERY_CALLBACK})


@dataclass(frozen=True, slots=True)
class Said:
    """A request as it is said to the live GMS. `url` is whole where an answer of its told it, else a path and query.

    `headers` have neither host nor cookies; `cookies` are those that no answer of the recording gave.
    """

    method: str
    url: str
    headers: Headers
    cookies: str
    body: bytes


@dataclass(slots=True)
class _Memory:
    """What stands for what. `named`: short values, which mean something in their field alone."""

    values: dict[str, str] = field(default_factory=dict)
    named: dict[tuple[str, str], str] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    instants: dict[int, int] = field(default_factory=dict)
    place: tuple[str, str] | None = None


class Forwards:
    """What one app says to a live GMS for what it said in a recording.

    `identities`: the recorded ones that may have other values now. `bases`: the recorded base path, and the live one.
    `start_us`: when the visit began, in the recording, and `now_us`: when it begins.
    """

    def __init__(self, identities: Iterable[str], bases: tuple[str, str], *, start_us: int, now_us: int) -> None:
        self._identities = frozenset(identities)
        self._base, self._live_base = bases
        self._shift_us = round((now_us - start_us) / SECOND_US) * SECOND_US
        self._memory = _Memory()
        self._finder: Finder | None = None
        self._given: set[str] = set()

    @property
    def weeks_us(self) -> int:
        """By what instants of the calendar move: whole weeks, so that none is of the past that was not."""
        return -(-self._shift_us // _WEEK_US) * _WEEK_US

    def learn(self, recorded: bytes, live: bytes) -> None:
        """Lays a live text beside the recorded one: an answer's body, or an event."""
        self._learn_slots(timeslots.offered(recorded), timeslots.offered(live))
        was, now = _leaves(recorded), _leaves(live)
        for path, value in was.items():
            if (told := now.get(path)) is not None:
                self._pair(path, value, told)
        self._finder = None

    def learn_headers(self, recorded: Headers, live: Headers) -> None:
        """The same of an answer's headers: what was no word of HTTP's. Cookies are the jar's."""
        for name, value in recorded:
            lower = name.lower()
            if lower == "set-cookie":
                self._given.add(value.partition("=")[0].strip())
            elif not gms.is_plain_header(lower) and (told := header(live, name)) is not None:
                self._pair((name,), value, told)
        self._finder = None

    def request(self, request: Request, operation: Operation) -> Said:
        """A recorded request, as it is said now."""
        asked_us, content_type = request.asked_at_us, header(request.headers, "content-type") or ""
        kept = end_to_end(request.headers)
        headers = tuple((name, self._words(value)) for name, value in kept if name not in _SET_ANEW)
        return Said(
            request.method,
            self.url(request, operation),
            headers,
            self._cookies(header(request.headers, "cookie") or ""),
            self._body(request.body.plain, content_type, asked_us, operation),
        )

    def url(self, request: Request, operation: Operation) -> str:
        """Where a recorded request goes now: where the live answer leads in place of the recorded one, if it does."""
        path, mark, query = request.target.partition("?")
        for told, live in reversed(self._memory.urls.items()):
            parts = urlsplit(told)
            if parts.path != path or (parts.query and parts.query != query):
                continue
            asks = gms.recognise(request.method, urlsplit(live).path, b"")
            if (asks and (asks.kind, asks.name)) == (operation.kind, operation.name) or operation.kind is Kind.COMET:
                return live if parts.query or not mark else f"{live}?{self._query(query, request, operation)}"
        return self._path(path) + mark + self._query(query, request, operation)

    def data(self, said: bytes, asked_us: int) -> bytes:
        """JSON that the app published, as it is said now."""
        return self._json(said, asked_us, None)

    def _path(self, path: str) -> str:
        rest = path.removeprefix(self._base) if path.startswith(f"{self._base}/") else None
        return self._segments(path) if rest is None else self._live_base + self._segments(rest)

    def _query(self, query: str, request: Request, operation: Operation) -> str:
        return self._form(query, request.asked_at_us, operation)

    def _body(self, body: bytes, content_type: str, asked_us: int, operation: Operation) -> bytes:
        if body.lstrip()[:1] in (b"{", b"["):
            return self._json(body, asked_us, operation)
        if b"=" in body and b"\n" not in body.strip() and not content_type.lower().startswith("multipart/"):
            return self._form(body.decode("latin-1"), asked_us, operation).encode("latin-1")
        return self._words(body.decode("latin-1")).encode("latin-1")

    def _json(self, text: bytes, asked_us: int, operation: Operation | None) -> bytes:
        pieces, at = [], 0
        for span in spans(text):
            if span.sort is Sort.KEY:
                continue
            was = plain_text(text[span.start : span.end])
            now = self._value(span.path, was, asked_us, operation)
            if now != was:
                pieces += [text[at : span.start], in_json(now)]
                at = span.end
        return b"".join([*pieces, text[at:]])

    def _form(self, form: str, asked_us: int, operation: Operation) -> str:
        return "&".join(self._pair_said(pair, asked_us, operation) for pair in form.split("&"))

    def _pair_said(self, pair: str, asked_us: int, operation: Operation) -> str:
        name, mark, value = pair.partition("=")
        was = unquote_plus(value)
        now = self._value((unquote_plus(name),), was, asked_us, operation)
        return pair if now == was else f"{name}{mark}{quote_plus(now)}"

    def _cookies(self, cookies: str) -> str:
        """Those that the app had of its own."""
        each = (one.strip() for one in cookies.split(";"))
        return "; ".join(one for one in each if one and one.partition("=")[0] not in self._given)

    # One value.

    def _value(self, path: Path, was: str, asked_us: int, operation: Operation | None) -> str:
        name = str(path[-1]) if path else ""
        if name in _PLACES:
            return self._place(was)
        if (named := self._memory.named.get((name, was))) is not None:
            return named
        if (found := instants.parse(was)) is not None and self._is_instant(path, found[0], found[1].style):
            return instants.render(self._moved(path, found[0], asked_us, operation), found[1])
        return self._words(was)

    def _place(self, was: str) -> str:
        """A place in a chat: an app names the last one that it was told."""
        place = self._memory.place
        return place[1] if place and place[0] == was else self._memory.named.get(("place", was), was)

    def _is_instant(self, path: Path, at_us: int, style: instants.Style) -> bool:
        is_bare = style in (instants.Style.EPOCH_S, instants.Style.EPOCH_MS)
        known = gms.instant_class(path) is not None or bool(path and path[-1] in _WINDOW)
        return known or at_us in self._memory.instants or not is_bare

    def _moved(self, path: Path, at_us: int, asked_us: int, operation: Operation | None) -> int:
        if (told_us := self._memory.instants.get(at_us)) is not None:
            return told_us
        if abs(at_us - asked_us) <= _NOW_US:
            return at_us + self._shift_us
        is_slot = gms.instant_class(path) is InstantClass.CALENDAR
        if is_slot or (operation is not None and operation.kind in _ASKS_FOR_TIMES):
            return at_us + self.weeks_us
        return at_us + self._shift_us

    def _words(self, text: str) -> str:
        return self._memory.values.get(text) or self._replaced(text, self._memory.values.__getitem__)

    def _segments(self, path: str) -> str:
        """What stands in a path is escaped there."""
        return self._replaced(path, lambda was: quote(self._memory.values[was], safe=""))

    def _replaced(self, text: str, other: Callable[[str], str]) -> str:
        if self._finder is None:
            self._finder = Finder(self._memory.values)
        return self._finder.replaced(text, other)

    # What stands for what.

    def _pair(self, path: Path, was: str, now: str) -> None:
        name = next((step for step in reversed(path) if isinstance(step, str)), "")
        if name in _PLACES:
            self._memory.place = was, now
            self._memory.named["place", was] = now
        elif _is_url(was) and _is_url(now):
            self._pair_urls(was, now)
        elif was in self._identities:
            # In a list of callbacks another may have the place of ours: what was told first counts, credentials aside.
            if name in gms.CREDENTIALS or was not in self._memory.values:
                self._memory.values[was] = now
        elif gms.is_identity(path) and not is_mappable(was):
            self._memory.named[name, was] = now
        elif _is_told_instant(path, was):
            old_us, new_us = instants.read(was), instants.read(now)
            if old_us is not None and new_us is not None:
                self._memory.instants.setdefault(old_us, new_us)

    def _pair_urls(self, was: str, now: str) -> None:
        self._memory.urls.pop(was, None)
        self._memory.urls[was] = now
        old, new = (gms.recognise("POST", urlsplit(url).path, b"") for url in (was, now))
        if old and new and (old.kind, old.name) == (new.kind, new.name) and old.service_id and new.service_id:
            self._memory.values.setdefault(old.service_id, new.service_id)

    def _learn_slots(self, was: list[int], now: list[int]) -> None:
        """Time slots that are keys: by their place in the list, and, where there are fewer now, the nearest later."""
        ordered = sorted(now)
        for place, at_us in enumerate(was):
            if place < len(now):
                self._memory.instants.setdefault(at_us, now[place])
            elif ordered:
                later = bisect_left(ordered, at_us + self.weeks_us)
                self._memory.instants.setdefault(at_us, ordered[min(later, len(ordered) - 1)])


def _is_url(text: str) -> bool:
    if not _URL.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _is_told_instant(path: Path, was: str) -> bool:
    """Whether it may be one: bare numbers only where they are known to be. A local time is another's UTC."""
    return path[-1:] != ("localTime",) and (gms.instant_class(path) is not None or not was.isdigit())


def _leaves(text: bytes) -> dict[Path, str]:
    return {one.path: plain_text(text[one.start : one.end]) for one in spans(text) if one.sort is not Sort.KEY}
