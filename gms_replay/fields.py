"""What a request says, as fields: from its query and its body, in whichever clothes they come.

Apps send the same operation as JSON, as a form, as multipart, or as JSON text under a form's content type
(GMS.md, section 2); what counts is the decoded field. A body that is none of these is the field "".
"""

from urllib.parse import parse_qsl

from gms_replay import recall
from gms_replay.gms import Operation
from gms_replay.leaves import delimiter, parts
from gms_replay.model import Headers, header
from gms_replay.spans import Sort, plain_text, spans

Said = frozenset[tuple[str, str]]
"""Fields as a key: equal where the same was said, in whatever clothes."""

Fields = dict[str, str]
"""Names to values. A value inside a JSON object has its keys joined by dots; numbers and words are as written."""


Meaning = tuple[tuple[str, ...], Said]
"""What makes two requests the same: the operation, and what is said."""

_NAMES_LONGER = 4
_NAMES_ROOM = 64 << 10
"""All names together have so many characters more than so many times the text: keys stand before each value in them."""


def meaning(operation: Operation, said: Fields) -> Meaning:
    return operation.key, frozenset(said.items())


def read(target: str, headers: Headers, body: bytes) -> Fields:
    """The fields of a request; of those that stand both in the query and the body, the body's."""
    query = target.partition("?")[2]
    return dict(_pairs(query)) | _body(header(headers, "content-type") or "", body)


@recall.short(1024, len)
def _pairs(form: str) -> tuple[tuple[str, str], ...]:
    """Names and values of a form's text. Apps ask again and again with the same query."""
    return tuple(parse_qsl(form, keep_blank_values=True))


def _body(content_type: str, body: bytes) -> Fields:
    text = body.strip()
    if not text:
        return {}
    if text[:1] in (b"{", b"["):
        return _json(body)
    if content_type.lower().startswith("multipart/"):
        return _multipart(content_type, body)
    if b"=" in text and b"\n" not in text:
        return dict(parse_qsl(text.decode("utf-8", "replace"), keep_blank_values=True))
    return _as_text(text)


def _as_text(text: bytes) -> Fields:
    return {"": text.decode("utf-8", "replace")}


def _json(body: bytes) -> Fields:
    found = joined(body)
    return _as_text(body.strip()) if found is None else found


def joined(text: bytes, *within: str, most: int | None = None) -> Fields | None:
    """The values of JSON by the keys that lead to each, joined by dots, `within` before them.

    None where there are more keys and values than `most`, or where their names get far longer than the text: it has one
    long key before many values.
    """
    room = _NAMES_LONGER * len(text) + _NAMES_ROOM
    found: Fields = {}
    for count, span in enumerate(spans(text)):
        if count == most:
            return None
        if span.sort is Sort.KEY:
            continue
        name = ".".join(map(str, (*within, *span.path)))
        room -= len(name)
        if room < 0:
            return None
        found[name] = plain_text(text[span.start : span.end])
    return found


def _multipart(content_type: str, body: bytes) -> Fields:
    line = delimiter(content_type)
    return {
        part.name.decode("utf-8", "replace"): body[part.start : part.end].decode("utf-8", "replace")
        for part in (parts(body, line) if line else ())
        if part.name is not None
    }
