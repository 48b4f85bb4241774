"""Which facts of a recording hold a secret, in which place: a header, a field, a path, a frame.

Strategy: every place that `privacy` names is looked at by itself, and all texts for what is known by its looks. Bodies
are read as the redactor reads them (`leaves`), so that neither knows a place that the other does not. What is found is
no verdict on who recorded it: a stand-in is none, everything else is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from gms_replay import apns, leaks, places, privacy
from gms_replay.gms import Path
from gms_replay.leaks import is_secret
from gms_replay.leaves import Leaf, decoded, encoded, is_binary, is_json, json_in_query
from gms_replay.model import Exchange, Frame, Headers, Recording, Request, Response, header
from gms_replay.privacy import Kind
from gms_replay.rules import Rules
from gms_replay.spans import DEEPEST_STRING, Sort

_FORM = "application/x-www-form-urlencoded"
_DEEPEST_URL = 3
"""A URL in the query of a URL: nobody nests deeper."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """Something private. `place`: the fact, and where in it ("exchange 3, answer, field secureKey").

    `is_secret`: no stand-in.
    """

    place: str
    kind: Kind
    how: str
    value: str
    is_secret: bool


def find(recording: Recording, rules: Rules) -> Iterator[Exposed]:
    """All that is private in a recording, as often as it stands there. `rules`: what a user adds, or takes away."""
    return _Looking(rules).find(recording)


class _Looking:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def find(self, recording: Recording) -> Iterator[Exposed]:
        for exchange in recording.exchanges:
            yield from self._in_exchange(exchange)
        for message in recording.messages:
            yield from self._by_looks(f"message {message.id}, channel", message.channel)
            yield from self._in_text(f"message {message.id}", message.raw)
        for push in recording.pushes:
            if push.exchange_id is None:
                yield from self._in_text(f"push {push.id}", push.payload)
        for frame in recording.frames:
            yield from self._in_frame(frame)
        for socket in recording.sockets:
            yield from self._by_looks(f"socket of exchange {socket.exchange_id}, reason", socket.close_reason)

    def _in_exchange(self, exchange: Exchange) -> Iterator[Exposed]:
        where = f"exchange {exchange.id}"
        yield from self._in_target(f"{where}, request", exchange.request.target)
        yield from self._in_said(f"{where}, request", exchange.request)
        if exchange.response is not None:
            yield from self._in_said(f"{where}, answer", exchange.response)

    def _in_said(self, where: str, said: Request | Response) -> Iterator[Exposed]:
        yield from self._in_headers(where, said.headers)
        yield from self._in_text(where, said.body.plain, header(said.headers, "content-type") or "")

    def _in_target(self, where: str, target: str) -> Iterator[Exposed]:
        path, _, query = target.partition("?")
        for part in privacy.in_path(path):
            value = unquote(path[part.start : part.end])
            yield from self._at(f"{where} path", part.kind, value, "segment of the path")
        yield from self._by_looks(f"{where} path", unquote(path))
        yield from self._in_text(where, encoded(json_in_query(query) or query), _FORM, noun=" query")

    def _in_headers(self, where: str, headers: Headers) -> Iterator[Exposed]:
        for name, value in headers:
            place = f"{where} header {name.lower()}"
            parts = places.in_header(name, value, self._rules)
            for part in parts:
                yield from self._at(place, part.kind, unquote(value[part.start : part.end]), "header")
            yield from self._by_looks(place, unquote(value))
            if "://" in value or value.startswith("/"):
                yield from self._in_query(place, value, 0)
            if not parts and is_json(value):
                yield from self._in_text(place, encoded(value))

    def _in_query(self, place: str, url: str, depth: int) -> Iterator[Exposed]:
        if "?" in url and depth < _DEEPEST_URL:
            query = url.partition("?")[2]
            said = encoded(json_in_query(query) or query)
            yield from self._in_text(place, said, _FORM, noun=", query", depth=depth + 1)

    def _in_text(
        self, where: str, text: bytes, content_type: str = "", *, noun: str = ", field", depth: int = 0
    ) -> Iterator[Exposed]:
        """What is in a body or query. `noun`: what a value's place in it is called; `depth`: URLs around it."""
        for leaf in self._opened(text, content_type):
            if is_binary(leaf) and leaks.kind_of(leaf.path, self._rules) is None:
                continue
            if leaf.sort is Sort.TEXT or not leaf.path:
                place = f"{where}, text"
                for leak in leaks.in_prose(leaf.value, self._rules):
                    yield Exposed(place, leak.kind, leak.how, leak.value, leak.is_secret)
            else:
                place = f"{where}{noun} {'.'.join(map(str, leaf.path))}"
                kind = leaks.kind_of(leaf.path, self._rules)
                if kind is not None and leaf.sort is not Sort.KEY:
                    yield from self._at(place, kind, leaf.value, "field")
                if "://" in leaf.value:
                    yield from self._in_query(place, leaf.value, depth)
            yield from self._by_looks(place, leaf.value)

    def _opened(self, text: bytes, content_type: str, above: Path = (), depth: int = 0) -> Iterator[Leaf]:
        """The leaves of a text and of JSON in its strings; each value beside the name of something private, at that."""
        for leaf in leaks.fields(text, content_type, self._rules):
            path = above + leaf.path
            if leaf.sort is Sort.STRING and depth < DEEPEST_STRING and is_json(leaf.value):
                yield from self._opened(encoded(leaf.value), "", path, depth + 1)
            else:
                yield leaf._replace(path=path)

    def _in_frame(self, frame: Frame) -> Iterator[Exposed]:
        where = f"frame {frame.id}"
        told = apns.read(frame.raw)
        if not isinstance(told, apns.Sent):
            yield from self._by_looks(where, decoded(frame.raw))
            return
        yield from self._at(f"{where}, token", Kind.DEVICE, told.token.hex(), "token of a push")
        yield from self._in_text(f"{where}, payload", told.payload)

    def _at(self, place: str, kind: Kind, value: str, how: str) -> Iterator[Exposed]:
        yield Exposed(place, kind, how, value, is_secret(kind, value))

    def _by_looks(self, place: str, text: str) -> Iterator[Exposed]:
        for leak in leaks.in_text(text):
            yield Exposed(place, leak.kind, leak.how, leak.value, leak.is_secret)
