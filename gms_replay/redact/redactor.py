"""Facts without secrets: requests, outcomes, messages, pushes, frames.

Strategy: of each fact first all is looked through (target, headers, body), then all is told, so that what one part
names is known in the others. Apps ask the same again and again, so what equal headers and bodies became is remembered
for as long as nothing new was learned. What has a content coding is decoded and coded again; what does not decode is
withheld, for nobody can say what is in it.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import TypeVar, cast

from gms_replay import apns, gms, model, privacy
from gms_replay.mitmdump import codings
from gms_replay.model import Body, Direction, Headers, Outcome, Redaction, Request, Response
from gms_replay.redact.texts import Texts
from gms_replay.redact.wishes import Wish

_LARGEST_REMEMBERED = 64 << 10
_MOST_REMEMBERED = 4096
_MOST_REMEMBERED_BYTES = 8 << 20
_MAY_TELL = frozenset(
    {
        "content-disposition", "content-location", "location", "origin", "referer", "sec-websocket-protocol",
        "user-agent",
    }
)  # fmt: skip
"""Of HTTP's own headers those that hold what was said elsewhere."""
_Told = TypeVar("_Told", bytes, str)
_UNSAID_BYTES = frozenset(range(0x20)) - frozenset(b"\t\n\r\f")


class Redactor:
    """Replaces the secrets of a recording, fact by fact, in their order. Not for several threads at once."""

    def __init__(self, wish: Wish) -> None:
        """`wish` has a key."""
        assert wish.key is not None
        self.redaction = wish.redaction
        """What runs say of themselves that were redacted so."""
        typed = self.redaction is Redaction.TYPED
        self._texts = Texts(wish.key, typed=typed, rules=wish.rules)
        self._credentials = wish.rules.credentials
        self._told: dict[object, bytes | str] = {}
        self._told_bytes = 0
        self._version = 0

    def keep_stand_ins(self, keeps: bool) -> None:
        """Whether what looks like a stand-in stays, from here on: a secret may look like one."""
        if keeps != self._texts.values.keeps_stand_ins:
            self._texts.values.keeps_stand_ins = keeps
            self._told.clear()

    def learn_request(self, request: Request) -> None:
        """Remember the secrets of a request, to know them in what comes."""
        self._renew()
        if ("", request.target) not in self._told:
            self._texts.learn_target(request.target)
        self._learn_headers(request.headers)
        self._learn_body(request.body, request.headers, is_told=False)

    def request(self, request: Request) -> Request:
        """A request as it is to be kept."""
        self.learn_request(request)
        self._renew()
        target = self._once(("", request.target), partial(self._texts.target, request.target))
        body = self._body(request.body, request.headers, is_told=False)
        headers = self._headers(request.headers, request.body, body)
        return replace(request, target=target, headers=headers, body=body)

    def learn_outcome(self, outcome: Outcome) -> None:
        """Remember the secrets of an answer."""
        self._renew()
        if outcome.response:
            self.learn_text(outcome.response.reason)
            self._learn_headers(outcome.response.headers)
            self._learn_body(outcome.response.body, outcome.response.headers, is_told=True)
        if outcome.error:
            self.learn_text(outcome.error)

    def outcome(self, outcome: Outcome) -> Outcome:
        """How an exchange ended, as it is to be kept."""
        self.learn_outcome(outcome)
        self._renew()
        response = self._response(outcome.response) if outcome.response else None
        return replace(outcome, response=response, error=self.text(outcome.error) if outcome.error else outcome.error)

    def learn_message(self, raw: bytes, direction: Direction) -> None:
        """Remember the secrets of a message."""
        self._renew()
        self._learn(raw, "", is_told=direction is Direction.TO_CLIENT)

    def message(self, raw: bytes, direction: Direction) -> bytes:
        """A Bayeux message, or what else a WebSocket carried, as it is to be kept."""
        self.learn_message(raw, direction)
        self._renew()
        return self._plain(raw, "", is_told=direction is Direction.TO_CLIENT)

    def channel(self, channel: str) -> str:
        """The channel of a message as it is to be kept: as the message itself has it. To be asked after that."""
        return self._texts.channel(channel)

    def push(self, payload: bytes) -> bytes:
        """What a provider was told, as it is to be kept."""
        return self.message(payload, Direction.TO_SERVER)

    def learn_frame(self, raw: bytes, direction: Direction) -> None:
        """Remember the secrets of a frame of Apple's binary protocol."""
        if direction is Direction.TO_SERVER:
            apns.rewritten(raw, self._seen_token, self._seen_payload)

    def frame(self, raw: bytes, direction: Direction) -> bytes:
        """A frame of Apple's binary protocol, as it is to be kept. Of what is none nobody knows what it says."""
        if direction is Direction.TO_CLIENT:
            if apns.read(raw):
                return raw
            return self.message(raw, direction) if _UNSAID_BYTES.isdisjoint(raw) else privacy.WITHHELD.encode()
        self.learn_frame(raw, direction)
        self._renew()
        told = apns.rewritten(raw, self._texts.token, partial(self._plain, content_type="", is_told=False))
        return privacy.WITHHELD.encode() if told is None else told

    def learn_text(self, text: str) -> None:
        """Remember the secrets of what programs say to people."""
        self._texts.learn_words(text)

    def text(self, text: str) -> str:
        """What programs say to people: why something ended, where something leads."""
        self.learn_text(text)
        return self._texts.words(text, is_shown=True)

    def _seen_token(self, token: bytes) -> bytes:
        self._texts.learn_token(token)
        return token

    def _seen_payload(self, payload: bytes) -> bytes:
        self._learn(payload, "", is_told=False)
        return payload

    def _response(self, response: Response) -> Response:
        body = self._body(response.body, response.headers, is_told=True)
        headers = self._headers(response.headers, response.body, body)
        return replace(response, reason=self.text(response.reason), headers=headers, body=body)

    # Headers.

    def _learn_headers(self, headers: Headers) -> None:
        for one in headers:
            if one not in self._told and not self.is_public(one[0]):
                self._texts.learn_header(*one)

    def _headers(self, headers: Headers, was: Body, now: Body) -> Headers:
        lengths = (str(len(was.wire)), str(len(now.wire)))
        return tuple([(name, self._header(name, value, lengths)) for name, value in headers])

    def _header(self, name: str, value: str, lengths: tuple[str, str]) -> str:
        if self.is_public(name):
            is_length = value == lengths[0] and value != lengths[1] and name.lower() == "content-length"
            return lengths[1] if is_length else value
        return self._once((name, value), partial(self._texts.header, name, value))

    def is_public(self, name: str) -> bool:
        """Whether what a header says is kept as it is: lengths, codings, dates."""
        return _is_public(name) and name.lower() not in self._credentials

    # Bodies.

    def _learn_body(self, body: Body, headers: Headers, *, is_told: bool) -> None:
        if body.wire and not _is_closed(body, headers):
            self._learn(body.plain, _content_type(headers), is_told=is_told)

    def _body(self, body: Body, headers: Headers, *, is_told: bool) -> Body:
        if not body.wire:
            return body
        if _is_closed(body, headers):
            return Body(privacy.WITHHELD.encode())
        plain = body.plain
        told = self._plain(plain, _content_type(headers), is_told=is_told)
        if told == plain:
            return body
        if body.decoded is None:
            return Body(told)
        return Body(codings.coded(told, headers), told)

    def _learn(self, text: bytes, content_type: str, *, is_told: bool) -> None:
        if (text, content_type, is_told) not in self._told:
            self._texts.learn(text, content_type, is_told=is_told)

    def _plain(self, text: bytes, content_type: str, *, is_told: bool) -> bytes:
        tell = partial(self._texts.told, text, content_type, is_told=is_told)
        return tell() if len(text) > _LARGEST_REMEMBERED else self._once((text, content_type, is_told), tell)

    # What equal things became.

    def _renew(self) -> None:
        """What was told before something new was learned may hold it."""
        if self._version != self._texts.memory.version or self._told_bytes > _MOST_REMEMBERED_BYTES:
            self._told.clear()
            self._told_bytes = 0
            self._version = self._texts.memory.version

    def _once(self, key: object, tell: Callable[[], _Told]) -> _Told:
        found = self._told.get(key)
        if found is None:
            found = tell()
            if len(self._told) >= _MOST_REMEMBERED:
                self._told.clear()
            self._told[key] = found
            self._told_bytes += len(found)
        return cast(_Told, found)


@lru_cache(1024)
def _is_public(name: str) -> bool:
    lower = name.lower()
    return gms.is_plain_header(lower) and lower not in _MAY_TELL and privacy.header(name) is None


def _is_closed(body: Body, headers: Headers) -> bool:
    """Whether a body has a coding that could not be undone; some only claim to have one."""
    if body.decoded is not None or not codings.names(headers):
        return False
    try:
        body.wire.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return not _UNSAID_BYTES.isdisjoint(body.wire)


def _content_type(headers: Headers) -> str:
    return model.header(headers, "content-type") or ""
