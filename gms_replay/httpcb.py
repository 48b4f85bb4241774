"""GMS's notices by HTTP: which POST is one, and what it says.

Strategy: a notice goes to whatever URL a subscriber named, so nothing but its body tells it from other traffic. Its
body is the message, `{"_id": …, "_action": …}` (`httpcb`), perhaps as JSON text in a JSON string, or holds it as
`message` beside a `deviceId` (custom HTTP notifications). Flaws are read over, for the vendor's own message has a
trailing comma. Apps say the same of dialogs, to GMS with a `gms_user`, and to analytics of their own with the dialog's
other fields beside it: neither is a notice.
"""

from typing import NamedTuple

from gms_replay import gms
from gms_replay.gms import Kind, Operation, Path
from gms_replay.model import Exchange, Headers
from gms_replay.spans import DEEPEST_STRING, Sort, plain_text, spans

PROVIDER = "httpcb"
_NOTICE = Operation(Kind.PUSH, "", PROVIDER)

_LARGEST = 1 << 14
"""In bytes. A push has some 4,000 at most; reading through more would hold up the traffic that is recorded."""
_MESSAGE: Path = ("message",)
_WISH = ("_id", "_action")
_DEVICE: Path = ("deviceId",)

_Strings = dict[Path, str]


class Notice(NamedTuple):
    """What a notice says: which dialog to ask for, and for whom it is; None where only its URL tells that."""

    service_id: str
    action: str
    device: str | None


def recognise(method: str, target: str, headers: Headers, body: bytes) -> Operation | None:
    """The operation that a request asks for, or the notice that it is, whoever sent it; None where it is neither.

    An app's requests are told by `gms.recognise`: an app sends no notices.
    """
    named = gms.recognise(method, target, body)
    if named is None and method == "POST" and read(body) and gms.gms_user(headers) is None:
        return _NOTICE
    return named


def operation(exchange: Exchange) -> Operation | None:
    """The same of a recorded request."""
    request = exchange.request
    return recognise(request.method, request.target, request.headers, request.body.plain)


def read(body: bytes) -> Notice | None:
    """What a body says as a notice; None where it is none."""
    if len(body) > _LARGEST or b"_action" not in body or b"_id" not in body:
        return None
    said = _strings(plain(body))
    return _named(said, ()) or _named(said, _MESSAGE)


def plain(body: bytes) -> bytes:
    """A body; where it is JSON text in a JSON string, that text."""
    for _ in range(DEEPEST_STRING):
        text = body.strip()
        if len(text) < 2 or not (text.startswith(b'"') and text.endswith(b'"')):
            break
        body = plain_text(text[1:-1]).encode("utf-8", "backslashreplace")
    return body


def _named(said: _Strings, place: Path) -> Notice | None:
    """What the object at a place says, if that, and what it stands in, is a notice and nothing else."""
    service_id, action = said.get((*place, "_id")), said.get((*place, "_action"))
    fields = {path[: len(place) + 1] for path in said}
    known = {(*place, name) for name in _WISH} | {place, _DEVICE}
    if not service_id or not action or not fields <= known:
        return None
    return Notice(service_id, action, said.get(_DEVICE) or None)


def _strings(text: bytes) -> _Strings:
    """What stands at the paths of a text, "" where it is no string; of `message` also what it holds as JSON text."""
    said: _Strings = {}
    for span in spans(text):
        if span.sort is Sort.KEY:
            said.setdefault(span.path, "")
        elif span.path:
            said[span.path] = plain_text(text[span.start : span.end]) if span.sort is Sort.STRING else ""
    inside = plain(said.get(_MESSAGE, "").encode("utf-8", "backslashreplace"))
    if inside.lstrip().startswith(b"{"):
        said |= {_MESSAGE + path: value for path, value in _strings(inside).items() if path}
    return said
