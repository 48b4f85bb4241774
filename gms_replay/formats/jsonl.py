"""A recording as lines of JSON (`objects`), one fact a line, for people, `diff` and `jq`.

The text is canonical: equal recordings give equal text. The first line names the format of the text, then comes a line
per run, then all else in order of time.
"""

import json
import re
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any

from gms_replay.errors import FormatError
from gms_replay.formats import objects
from gms_replay.formats.fields import Fields, integer, one_of
from gms_replay.formats.objects import Fact
from gms_replay.model import Connection, Exchange, Frame, Message, Push, Recording, Redaction, Run, Socket

TEXT_FORMAT = 3
"""The newest format of the text. Its first line names the lowest that has all that follows."""

_FIRST_FORMAT = 1

# What JSON lets stand, but breaks a line for `str.splitlines`, or has no UTF-8.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def dump(recording: Recording) -> Iterator[str]:
    """The lines of a recording, without line ends."""
    yield _line({"kind": "meta", "format": _format(recording)})
    for run in recording.runs:
        yield _line(objects.of(run))
    facts: list[tuple[int, str, int, Fact]] = [
        *((one.request.started_at_us, "exchange", one.id, one) for one in recording.exchanges),
        *((one.at_us, "message", one.id, one) for one in recording.messages),
        *((one.at_us, "push", one.id, one) for one in recording.pushes),
        *((one.opened_at_us, "socket", one.exchange_id, one) for one in recording.sockets),
        *((one.opened_at_us, "connection", one.id, one) for one in recording.connections),
        *((one.at_us, "frame", one.id, one) for one in recording.frames),
    ]
    for *_, fact in sorted(facts, key=itemgetter(0, 1, 2)):
        yield _line(objects.of(fact))


def load(lines: Iterable[str], name: str) -> Recording:
    """The recording that `dump` told; lines after the first may come in any order, blank ones are passed over.

    `name` is what the text is called in errors. Raises FormatError for a line that is no fact, a field that is missing,
    unknown or of another type, an id that is there twice, and a fact that belongs to one that is not there.
    """
    told_lines = (Fields.of_line(line, f"{name}, line {at}") for at, line in enumerate(lines, 1) if line.strip())
    _require_format(next(told_lines, None), name)
    facts: dict[type[Fact], dict[int, Any]] = {kind: {} for kind in objects.FACTS}
    told: list[tuple[Fields, Fact]] = []
    for fields in told_lines:
        fact = objects.to(fields)
        key, fact_id = _identity(fact)
        if fact_id in facts[type(fact)]:
            fields.wrong(key, f"{fact_id} is there twice")
        facts[type(fact)][fact_id] = fact
        told.append((fields, fact))
    for fields, fact in told:
        _require_owners(fields, fact, facts)
    return Recording(
        runs=_in_order(facts[Run]),
        exchanges=_in_order(facts[Exchange]),
        messages=_in_order(facts[Message]),
        pushes=_in_order(facts[Push]),
        sockets=_in_order(facts[Socket]),
        connections=_in_order(facts[Connection]),
        frames=_in_order(facts[Frame]),
    )


def _format(recording: Recording) -> int:
    if any(run.redaction is not Redaction.OFF for run in recording.runs):
        return TEXT_FORMAT
    # Connections and frames came with 2.
    return 2 if recording.connections or recording.frames else _FIRST_FORMAT


def _in_order(facts: dict[int, Any]) -> tuple[Any, ...]:
    return tuple(facts[fact_id] for fact_id in sorted(facts))


def _require_format(fields: Fields | None, name: str) -> None:
    if fields is None:
        raise FormatError(f"{name}: empty; name a text that gms-replay exported as jsonl")
    fields.take("kind", one_of(["meta"]))
    version = fields.build(lambda fields: fields.take("format", integer))
    if not _FIRST_FORMAT <= version <= TEXT_FORMAT:
        known = f"{_FIRST_FORMAT} to {TEXT_FORMAT}"
        raise FormatError(f"{name}: format {version} of the text, this gms-replay knows {known}; install another")


def _identity(fact: Fact) -> tuple[str, int]:
    """The field that holds a fact's id, and the id."""
    if isinstance(fact, Socket):
        return "exchange_id", fact.exchange_id
    return ("run_id" if isinstance(fact, Run) else "id"), fact.id


def _require_owners(fields: Fields, fact: Fact, facts: dict[type[Fact], dict[int, Any]]) -> None:
    for field, kind in (("run_id", Run), ("exchange_id", Exchange), ("connection_id", Connection)):
        owner = getattr(fact, field, None)
        if owner is not None and owner not in facts[kind]:
            fields.wrong(field, f"there is no {kind.__name__.lower()} {owner}")


def _line(fact: objects.Object) -> str:
    line = json.dumps(fact, ensure_ascii=False, separators=(",", ":"))
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", line)
