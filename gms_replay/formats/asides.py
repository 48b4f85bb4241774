"""What of a fact another program's format has no place for, beside what it has, in a field that others pass over.

Strategy: whoever writes a file reads each thing back at once, as anybody would. What comes out otherwise than it was
recorded stands aside, as `objects` tell it, and nothing else: an aside is what is missing, whatever a format can hold.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields as fields_of
from dataclasses import replace
from typing import Any

from gms_replay.formats import foreign, objects
from gms_replay.formats.fields import Fields
from gms_replay.formats.foreign import Line, Told
from gms_replay.formats.objects import Fact, Object
from gms_replay.model import Connection, Exchange, Frame, Message, Push, Run, Socket

_IDS = ("id", "run_id", "exchange_id", "connection_id")
_CONTENTS = frozenset({"text", "base64"})


def of_exchange(told: Told, found: Told) -> Object:
    """What of `told` is otherwise in `found`, which is what the format gives back of it."""
    aside = _of_run(told.run)
    _put(aside, "exchange", found.exchange, told.exchange)
    _put(aside, "socket", found.socket, told.socket)
    messages, pushes = foreign.derived(Told(told.exchange, frames=found.frames))
    _put_all(aside, "messages", messages, told.messages)
    _put_all(aside, "pushes", pushes, told.pushes)
    return aside


def exchange(found: Told, aside: object, where: str) -> Told:
    """What was told, of what a format gives back and the aside. Raises FormatError, which names `where`."""

    def build(fields: Fields) -> Told:
        told = replace(found, run=_run(fields))
        if _has(fields, "exchange", found.exchange):
            told = replace(told, exchange=fields.nested("exchange", objects.to_any_of(Exchange)))
        if _has(fields, "socket", found.socket):
            told = replace(told, socket=fields.nested_or_null("socket", objects.to_any_of(Socket)))
        if "messages" in fields:
            told = replace(told, messages=fields.each("messages", objects.to_any_of(Message)))
        if "pushes" in fields:
            told = replace(told, pushes=fields.each("pushes", objects.to_any_of(Push)))
        return told

    return Fields.of_object(aside, where).build(build)


def of_connection(told: Line, found: Line) -> Object:
    """As `of_exchange`."""
    aside = _of_run(told.run)
    _put(aside, "connection", found.connection, told.connection)
    _put_all(aside, "frames", foreign.whole(found.pieces), told.frames)
    return aside


def connection(found: Line, aside: object, where: str) -> Line:
    """As `exchange`."""

    def build(fields: Fields) -> Line:
        told = replace(found, run=_run(fields))
        if _has(fields, "connection", found.connection):
            told = replace(told, connection=fields.nested("connection", objects.to_any_of(Connection)))
        if "frames" in fields:
            told = replace(told, frames=fields.each("frames", objects.to_any_of(Frame)))
        return told

    return Fields.of_object(aside, where).build(build)


def _of_run(run: Run | None) -> Object:
    return {} if run is None else {"run": objects.of(run)}


def _run(fields: Fields) -> Run | None:
    return fields.nested("run", objects.to_any_of(Run)) if "run" in fields else None


def _put(aside: Object, name: str, found: Fact | None, told: Fact | None) -> None:
    """Add what of `told` is otherwise in `found`: of objects, also within objects, the fields that are."""
    # Most facts come back whole, and need no second look.
    if _bare(found) != _bare(told):
        aside[name] = _difference(_object(found), _object(told))


def _put_all(aside: Object, name: str, found: Sequence[Fact], told: Sequence[Fact] | None) -> None:
    """Add all of `told` where they are not what is found."""
    if told is not None and _bares(told) != _bares(found):
        aside[name] = [_object(one) for one in told]


def _has(fields: Fields, name: str, found: Fact | None) -> bool:
    """Whether there is such an aside, which is the whole fact from now on."""
    if name not in fields:
        return False
    fields.change(name, lambda difference: _merged(_object(found), difference))
    return True


def _difference(found: Any, told: Any) -> Any:
    if not _have_fields(found, told):
        return told
    return {name: _difference(found[name], value) for name, value in told.items() if found[name] != value}


def _merged(found: Any, difference: Any) -> Any:
    if not _have_fields(found, difference):
        return difference
    return found | {name: _merged(found.get(name), value) for name, value in difference.items()}


def _have_fields(*values: object) -> bool:
    """Whether these are objects that always have the same fields, as contents have not."""
    return all(isinstance(value, dict) and not _CONTENTS & value.keys() for value in values)


def _object(fact: Fact | None) -> Any:
    # What is compared and merged is what comes out of a file: lists, not tuples.
    return None if fact is None else json.loads(json.dumps(objects.of(_bare(fact))))


def _bare(fact: Any) -> Any:
    """A fact without its ids, which are given anew."""
    if fact is None:
        return None
    names = {one.name for one in fields_of(fact)}
    return replace(fact, **{name: 0 for name in _IDS if name in names})


def _bares(facts: Iterable[Any]) -> list[Any]:
    return [_bare(one) for one in facts]
