"""Which facts of a recording hold a secret, in which place: a header, a field, a path, a frame.

Strategy: every place that `privacy` names is looked at by itself, and all texts for what is known by its looks. What is
found is no verdict on who recorded it: a stand-in is none, everything else is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message as Part
from email.parser import BytesParser
from urllib.parse import unquote_plus

from gms_replay import apns, leaks, places, privacy
from gms_replay.gms import Path
from gms_replay.leaks import is_secret
from gms_replay.model import Direction, Exchange, Frame, Headers, Recording, header
from gms_replay.privacy import Kind
from gms_replay.rules import Rules
from gms_replay.spans import leaves, spans


@dataclass(frozen=True, slots=True)
class Exposed:
    """Something private. `place`: the fact, and where in it ("exchange 3, answer field secureKey").

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
            is_told = message.direction is Direction.TO_CLIENT
            yield from self._in_text(f"message {message.id}", message.raw, is_told=is_told)
        for push in recording.pushes:
            if push.exchange_id is None:
                yield from self._in_text(f"push {push.id}", push.payload, is_told=True)
        for frame in recording.frames:
            yield from self._in_frame(frame)
        for socket in recording.sockets:
            yield from self._by_looks(f"socket of exchange {socket.exchange_id}, reason", socket.close_reason)

    def _in_exchange(self, exchange: Exchange) -> Iterator[Exposed]:
        request, response, where = exchange.request, exchange.response, f"exchange {exchange.id}"
        yield from self._in_target(f"{where}, request", request.target)
        yield from self._in_headers(f"{where}, request", request.headers)
        yield from self._in_body(f"{where}, request", request.headers, request.body.plain, is_told=False)
        if response is not None:
            yield from self._in_headers(f"{where}, answer", response.headers)
            yield from self._in_body(f"{where}, answer", response.headers, response.body.plain, is_told=True)

    def _in_target(self, where: str, target: str) -> Iterator[Exposed]:
        path, _, query = target.partition("?")
        for part in privacy.in_path(path):
            yield from self._at(
                f"{where} path", part.kind, unquote_plus(path[part.start : part.end]), "segment of the path"
            )
        yield from self._by_looks(f"{where} path", unquote_plus(path))
        yield from self._in_form(f"{where} query", query, is_told=False)

    def _in_form(self, where: str, form: str, *, is_told: bool) -> Iterator[Exposed]:
        for name, start, end in privacy.pairs(form):
            value = unquote_plus(form[start:end])
            yield from self._in_value(where, tuple(name.split(".")), value, is_told=is_told)
            if value.lstrip()[:1] in ("{", "["):
                yield from self._in_text(where, value.encode("utf-8", "backslashreplace"), is_told=is_told)

    def _in_headers(self, where: str, headers: Headers) -> Iterator[Exposed]:
        for name, value in headers:
            place = f"{where} header {name.lower()}"
            for part in places.in_header(name, value, self._rules):
                yield from self._at(place, part.kind, unquote_plus(value[part.start : part.end]), "header")
            yield from self._by_looks(place, unquote_plus(value))
            if "?" in value:
                yield from self._in_form(f"{place}, query", value.partition("?")[2], is_told=False)

    def _in_body(self, where: str, headers: Headers, body: bytes, *, is_told: bool) -> Iterator[Exposed]:
        kind, text = header(headers, "content-type") or "", body.strip()
        if kind.lower().startswith("multipart/"):
            yield from self._in_parts(where, kind, body, is_told=is_told)
        elif text[:1] not in (b"{", b"[") and b"=" in text and b"\n" not in text and b"<" not in text:
            yield from self._in_form(f"{where} field", body.decode("utf-8", "replace"), is_told=is_told)
        else:
            yield from self._in_text(where, body, is_told=is_told)

    def _in_parts(self, where: str, kind: str, body: bytes, *, is_told: bool) -> Iterator[Exposed]:
        head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
        message = BytesParser().parsebytes(head + body)
        for part in message.get_payload() if message.is_multipart() else ():
            payload = part.get_payload(decode=True) if isinstance(part, Part) else None
            if isinstance(part, Part) and isinstance(payload, bytes):
                name = str(part.get_param("name", "", header="content-disposition"))
                yield from self._in_value(
                    f"{where} field", (name,), payload.decode("utf-8", "replace"), is_told=is_told
                )

    def _in_text(self, where: str, text: bytes, *, is_told: bool) -> Iterator[Exposed]:
        found = list(leaves(text, spans(text)))
        meant = privacy.beside(found)
        for path, value in found:
            if path:
                other = meant.get(path, path)
                says_more = leaks.kind_of(other, self._rules, is_told=True) not in (None, Kind.TEXT)
                yield from self._in_value(f"{where}, field", other if says_more else path, value, is_told=is_told)
            else:
                yield from self._by_looks(f"{where}, text", value)
                for leak in leaks.in_prose(value, self._rules):
                    yield Exposed(f"{where}, text", leak.kind, leak.how, leak.value, leak.is_secret)

    def _in_value(self, where: str, path: Path, value: str, *, is_told: bool) -> Iterator[Exposed]:
        place = f"{where} {'.'.join(map(str, path))}"
        kind = leaks.kind_of(path, self._rules, is_told=is_told)
        if kind is not None:
            yield from self._at(place, kind, value, "field")
        yield from self._by_looks(place, value)
        if "://" in value and "?" in value:
            yield from self._in_form(f"{place}, query", value.partition("?")[2], is_told=is_told)

    def _in_frame(self, frame: Frame) -> Iterator[Exposed]:
        where = f"frame {frame.id}"
        told = apns.read(frame.raw)
        if not isinstance(told, apns.Sent):
            yield from self._by_looks(where, frame.raw.decode("latin-1"))
            return
        yield from self._at(f"{where}, token", Kind.DEVICE, told.token.hex(), "token of a push")
        yield from self._in_text(f"{where}, payload", told.payload, is_told=True)

    def _at(self, place: str, kind: Kind, value: str, how: str) -> Iterator[Exposed]:
        yield Exposed(place, kind, how, value, is_secret(kind, value))

    def _by_looks(self, place: str, text: str) -> Iterator[Exposed]:
        for leak in leaks.in_text(text):
            yield Exposed(place, leak.kind, leak.how, leak.value, leak.is_secret)
