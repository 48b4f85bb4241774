"""HTTP archives: HAR 1.2, as browsers and proxies write it.

Sources: HAR 1.2 (W3C, Web Performance Working Group, "HTTP Archive (HAR) format"); `_webSocketMessages` and `_error`
are Chrome's, and mitmproxy's. mitmproxy's own reader leaves out WebSocket messages, and all times but the first.

What HAR has no place for stands in `_gms_replay` (`asides`): of an exchange in its entry, of connections in the log.
Names that begin with `_` are for whoever writes the file, and others pass them over.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, Any

from gms_replay.errors import FormatError
from gms_replay.formats import asides, foreign, har_reading, har_writing
from gms_replay.formats.fields import Fields, array
from gms_replay.formats.foreign import Line, Told
from gms_replay.model import Connection, Recording

_ASIDE = "_gms_replay"
_NOTHING = Line(Connection(0, 0, "", 0, "", 0), ())


def load(content: bytes, name: str) -> Iterator[Told | Line | None]:
    """What the entries of an archive tell, and the connections beside them; None for an entry that is no HTTP.

    `name` is what the file is called in errors. Raises FormatError where it is no HAR, or cut short.
    """
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{name}: no whole HAR: {error}; save it again") from None
    entries, beside = Fields.of_object(document, name, may_hold_more=True).nested("log", _log)
    for at, value in enumerate(entries, 1):
        yield _told(value, f"{name}, entry {at}") if har_reading.is_http(value) else None
    for at, value in enumerate(beside, 1):
        yield asides.connection(_NOTHING, value, f"{name}, {_ASIDE}, connection {at}")


def dump(recording: Recording, file: IO[bytes], made_by: str) -> None:
    """Write all exchanges and connections of a recording; `made_by` is the version of gms_replay."""
    asked = sorted(foreign.exchanges(recording), key=lambda one: one.exchange.request.started_at_us)
    about = {"version": "1.2", "creator": {"name": "gms_replay", "version": made_by}, "pages": []}
    if lines := [asides.of_connection(one, _NOTHING) for one in foreign.connections(recording)]:
        about[_ASIDE] = {"connections": lines}
    # An entry is a line, and written before the next is made: there may be many.
    file.write(b'{"log": ' + json.dumps(about).encode().removesuffix(b"}") + b', "entries": [')
    for number, one in enumerate(asked):
        file.write((b",\n" if number else b"\n") + json.dumps(_entry(one)).encode())
    file.write(b"\n]}}\n")


def _entry(told: Told) -> dict[str, Any]:
    # What others can read; where that is not what was recorded, what stands aside puts it right.
    entry = har_writing.entry(told)
    found = har_reading.exchange(Fields.of_object(entry, "", may_hold_more=True))
    return entry | {_ASIDE: asides.of_exchange(told, found)}


def _log(log: Fields) -> tuple[list[object], list[object]]:
    beside = log.nested(_ASIDE, lambda fields: fields.take("connections", array)) if _ASIDE in log else []
    return log.take("entries", array), beside


def _told(entry: object, where: str) -> Told:
    fields = Fields.of_object(entry, where, may_hold_more=True)
    told = har_reading.exchange(fields)
    if _ASIDE in fields:
        told = asides.exchange(told, fields.take(_ASIDE, lambda value: value), f"{where}, {_ASIDE}")
    elif isinstance(entry, dict):
        told = replace(told, lacks_body=har_reading.lacks_body(entry))
    try:
        foreign.require_fit(told)
    except ValueError as error:
        raise FormatError(f"{where}: {error}, in microseconds; save it again") from None
    return told
