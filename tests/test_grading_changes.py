"""One change to a recording is found as that change, with its grade, at its place, and as nothing else."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import drawn
import pytest
import visitor
from factories import CALLBACK, CHAT_DIALOG, MENU, ORDER, QUEUE, SERVICE, START_US, Tape, chat_recording, frame
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gms_replay import bodies, gms, grading, instants, pieces, sessions, travel
from gms_replay.bodies import LINES
from gms_replay.cassette.reader import read
from gms_replay.grades import TIME, Difference, Grade
from gms_replay.identities import stand_ins
from gms_replay.instants import SECOND_US
from gms_replay.leniency import Leniency
from gms_replay.model import Body, Exchange, Message, Recording
from gms_replay.rules import Rules

SAMPLES = {name: read(Path(__file__).parents[1] / "cassettes" / f"{name}.sqlite") for name in visitor.NAMES}
quick = settings(max_examples=20, deadline=None)

Where = tuple[str | int, ...]
Told = set[tuple[Grade, str, str]]

words = st.text("abcdefgh ", min_size=1, max_size=6)
ids = st.sampled_from(["ab12cd34ef56ab78", "1234567890abcdef", "c56a4180-65aa-42ec-a945-5fd21dec0538"])
times = st.integers(-4, 4).map(lambda seconds: drawn.iso(START_US + seconds * SECOND_US, 3))
scalars = words | st.integers(-99, 99) | st.booleans() | st.none() | ids | times
documents = st.dictionaries(
    st.sampled_from("abcd"),
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
)  # fmt: skip


def found(old: Recording, new: Recording) -> tuple[Difference, ...]:
    return grading.compare(old, new, Leniency()).differences


def told(old: Recording, new: Recording) -> Told:
    return {(one.grade, one.place, one.path) for one in found(old, new)}


def outlined(said: dict[str, Any]) -> str:
    return bodies.outlined(bodies.tree(json.dumps(said).encode()))


@st.composite
def visits(draw: st.DrawFn) -> Recording:
    """Dialogs and events with bodies of any shape, half a second apart; no two events are alike."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    asked = draw(st.lists(st.tuples(st.sampled_from([MENU, CHAT_DIALOG]), documents), min_size=1, max_size=4))
    for place, (target, answer) in enumerate(asked, start=1):
        tape.ask(place, "POST", target, {"title": draw(words)}, answer)
    tape.open_comet(5)
    events = draw(st.lists(documents, min_size=2, max_size=4, unique_by=outlined))
    for place, data in enumerate(events):
        tape.poll(6 + place / 2, 0.1, json.dumps({"channel": "/news", "data": data}).encode())
    return tape.recording()


# What can be changed: answers to acts, and events.


class Spot:
    """A body of a recording. `place`: as differences name it."""

    def __init__(self, place: str, raw: bytes, put: Callable[[bytes], Recording]) -> None:
        self.place, self.put = place, put
        try:
            self.said = json.loads(raw)
        except ValueError:
            self.said = None


def spots(recording: Recording) -> list[Spot]:
    return [spot for spot in (*_answers(recording), *_events(recording)) if isinstance(spot.said, dict)]


def _answers(recording: Recording) -> Iterator[Spot]:
    (session,) = sessions.split(recording)
    answered = {piece.at_us: piece.place for piece in pieces.answers(session)}
    for one in recording.exchanges:
        if (response := one.response) and response.started_at_us in answered:
            yield Spot(answered[response.started_at_us], response.body.plain, _answering(recording, one))


def _answering(recording: Recording, one: Exchange) -> Callable[[bytes], Recording]:
    def put(raw: bytes) -> Recording:
        assert one.outcome is not None
        assert one.response is not None
        outcome = replace(one.outcome, response=replace(one.response, body=Body(raw)))
        changed = replace(one, outcome=outcome)
        return replace(recording, exchanges=tuple(changed if each is one else each for each in recording.exchanges))

    return put


def _news(recording: Recording) -> list[Message]:
    return [one for one in recording.messages if one.channel == "/news"]


def _events(recording: Recording) -> Iterator[Spot]:
    for one in _news(recording):
        yield Spot("message on /news", one.raw, lambda raw, one=one: _with(recording, one, replace(one, raw=raw)))


def _with(recording: Recording, one: Message, *instead: Message) -> Recording:
    messages = [each for old in recording.messages for each in (instead if old is one else (old,))]
    return replace(recording, messages=tuple(messages))


def paths(said: Any, path: Where = ()) -> Iterator[Where]:
    """Where something stands that may be changed: what holds ids or instants, or counts, is left alone."""
    steps = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    for step, below in steps:
        inside = (*path, step)
        text = below if isinstance(below, str) else ""
        is_apart = (
            step in LINES
            or (isinstance(step, str) and instants.parse(step))
            or step in ("channel", "data", "transcriptPosition", "index", "nextPosition")
        )
        if not (is_apart or gms.is_identity(inside) or SERVICE in text):
            yield inside
        if step not in LINES:
            yield from paths(below, inside)


def at(said: Any, path: Where) -> Any:
    for step in path:
        said = said[step]
    return said


def named(path: Where) -> str:
    return ".".join("*" if isinstance(step, int) else step for step in path)


def changed(said: Any, path: Where, change: str) -> tuple[str, set[tuple[Grade, str]]]:
    """The body with one change at a path, and how it is to be told."""
    said = json.loads(json.dumps(said))
    holder, step, value = at(said, path[:-1]), path[-1], at(said, path)
    is_item = isinstance(step, int)
    beside = named((*path[:-1], 0 if is_item else "fresh"))
    if change == "rename":
        fields = [("fresh" if name == step else name, one) for name, one in holder.items()]
        holder.clear()
        holder.update(fields)
        expected = {(Grade.MISSING_FIELD, named(path)), (Grade.NEW_FIELD, beside)}
    elif change == "add":
        holder.insert(step, "fresh") if is_item else holder.update(fresh=1)
        expected = {(Grade.EXTRA if is_item else Grade.NEW_FIELD, beside)}
    elif change == "remove":
        del holder[step]
        expected = {(Grade.MISSING if is_item else Grade.MISSING_FIELD, named(path))}
    elif change == "retype":
        holder[step] = json.dumps(value) if not isinstance(value, str) else 7
        expected = {(Grade.OTHER_TYPE, named(path))}
    elif isinstance(value, str) and (parsed := instants.parse(value)):
        holder[step] = instants.render(parsed[0] + 10 * 3600 * SECOND_US, parsed[1])
        expected = {(Grade.OTHER_VALUE, named(path))}
    else:
        holder[step] = f"{value} indeed" if isinstance(value, str) else (value or 0) + 1000
        expected = {(Grade.OTHER_VALUE, named(path))}
    return json.dumps(said), expected


def changes_at(said: Any, path: Where) -> list[str]:
    value, is_item = at(said, path), isinstance(path[-1], int)
    return [
        "add",
        "remove",
        *([] if is_item else ["rename"]),
        *(["retype"] if not (is_item and isinstance(value, dict | list)) else []),
        *(["change"] if isinstance(value, str | int | float) and not isinstance(value, bool) else []),
    ]


def one_field_changed(old: Recording, data: st.DataObject) -> tuple[Recording, Told]:
    spot = data.draw(st.sampled_from([one for one in spots(old) if list(paths(one.said))]))
    path = data.draw(st.sampled_from(list(paths(spot.said))))
    change = data.draw(st.sampled_from(changes_at(spot.said, path)))
    text, expected = changed(spot.said, path, change)
    return spot.put(text.encode()), {(grade, spot.place, where) for grade, where in expected}


@quick
@given(visits(), st.data())
def test_changed_field_is_found(old: Recording, data: st.DataObject) -> None:
    new, expected = one_field_changed(old, data)

    assert told(old, new) == expected


@quick
@given(st.sampled_from(visitor.NAMES), st.data())
def test_changed_field_of_samples_is_found(name: str, data: st.DataObject) -> None:
    new, expected = one_field_changed(SAMPLES[name], data)

    assert told(SAMPLES[name], new) == expected


@quick
@given(visits(), st.data())
def test_changed_event_is_found(old: Recording, data: st.DataObject) -> None:
    events = _news(old)
    one = data.draw(st.sampled_from(events))
    change = data.draw(st.sampled_from(["drop", "double", "swap"]))
    if change == "drop":
        new, expected = _with(old, one), {(Grade.MISSING, "message on /news", "")}
    elif change == "double":
        again = replace(one, id=1000 + one.id, index=one.index + 1)
        new, expected = _with(old, one, one, again), {(Grade.EXTRA, "message on /news", "")}
    else:
        place = data.draw(st.integers(0, len(events) - 2))
        first, second = events[place : place + 2]
        new = _with(_with(old, first, replace(first, raw=second.raw)), second, replace(second, raw=first.raw))
        expected = {(Grade.OTHER_ORDER, "message on /news", "")}

    assert told(old, new) == expected


@quick
@given(visits(), st.sampled_from([Grade.MISSING, Grade.EXTRA]), st.data())
def test_act_more_or_less_is_found(old: Recording, grade: Grade, data: st.DataObject) -> None:
    acts = [one for one in old.exchanges if one.request.target in (MENU, CHAT_DIALOG)]
    one = data.draw(st.sampled_from(acts))
    again = () if grade is Grade.MISSING else (one, replace(one, id=1000))
    exchanges = [each for old_one in old.exchanges for each in (again if old_one is one else (old_one,))]
    place = "dialog " + one.request.target.rpartition("/")[2]

    assert told(old, replace(old, exchanges=tuple(exchanges))) == {(grade, place, ""), (grade, f"request {place}", "")}


@quick
@given(visits(), st.data())
def test_delayed_answer_is_found(old: Recording, data: st.DataObject) -> None:
    acts = [one for one in old.exchanges if one.request.target in (MENU, CHAT_DIALOG)]
    one = data.draw(st.sampled_from(acts))
    assert one.outcome is not None
    assert one.response is not None
    later_us = one.response.started_at_us + data.draw(st.integers(2, 60)) * SECOND_US
    outcome = replace(one.outcome, response=replace(one.response, started_at_us=later_us, ended_at_us=later_us))
    new = replace(
        old, exchanges=tuple(replace(each, outcome=outcome) if each is one else each for each in old.exchanges)
    )

    assert told(old, new) == {(Grade.SLOWER, "dialog " + one.request.target.rpartition("/")[2], TIME)}


@quick
@given(visits(), st.data())
def test_one_other_id_is_found_where_it_is(old: Recording, data: st.DataObject) -> None:
    known = {"ab12cd34ef56ab78": "zz98yy76xx54ww32", "1234567890abcdef": "99887766554433ff"}
    everywhere = [(spot, path) for spot in spots(old) for path in paths(spot.said) if str(at(spot.said, path)) in known]
    assume(everywhere)
    spot, path = data.draw(st.sampled_from(everywhere))
    said = json.loads(json.dumps(spot.said))
    one = at(said, path)
    at(said, path[:-1])[path[-1]] = known[one]
    is_alone = sum(at(other.said, where) == one for other, where in everywhere) == 1
    expected = set() if is_alone else {(Grade.OTHER_VALUE, spot.place, named(path))}

    assert told(old, spot.put(json.dumps(said).encode())) == expected


@quick
@given(st.lists(documents, min_size=1, max_size=3), st.data())
def test_changed_state_is_found(states: list[dict[str, Any]], data: st.DataObject) -> None:
    said = states[0]
    path = data.draw(st.sampled_from([one for one in paths(said) if not any(isinstance(step, int) for step in one)]))
    change = data.draw(st.sampled_from(changes_at(said, path)))
    text, expected = changed(said, path, change)
    old, new = (polled([one] * len(states)) for one in (said, json.loads(text)))

    assert {(one.grade, one.path) for one in found(old, new)} == (set() if change == "change" else expected)


def polled(states: list[dict[str, Any]]) -> Recording:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    for at_s, state in enumerate(states, start=1):
        tape.ask(at_s, "GET", QUEUE, b"", state)
    return tape.recording()


lines = st.tuples(st.sampled_from(["AGENT", "CLIENT"]), words)


def chat(spoken: list[tuple[str, str]]) -> Recording:
    events = [
        (1 + place / 2, frame(place, json.dumps(["Message.Text", party.title(), text, str(place), party])))
        for place, (party, text) in enumerate(spoken, start=1)
    ]
    return chat_recording(*events)


@quick
@given(st.lists(lines, min_size=2, max_size=6, unique=True), st.data())
def test_changed_line_is_found(spoken: list[tuple[str, str]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(spoken) - 1))
    (party, text), before, after = spoken[place], spoken[:place], spoken[place + 1 :]
    where = f"chat {party} Message.Text"
    changed: dict[str, tuple[list[tuple[str, str]], Told]] = {
        "drop": (before + after, {(Grade.MISSING, where, "")}),
        "add": ([*before, (party, "something new"), (party, text), *after], {(Grade.EXTRA, where, "")}),
        "say otherwise": ([*before, (party, "something new"), *after], {(Grade.OTHER_VALUE, where, "text")}),
    }
    new, expected = changed[data.draw(st.sampled_from(list(changed)))]

    assert told(chat(spoken), chat(new)) == expected


# Nothing changed


@pytest.mark.parametrize("name", visitor.NAMES)
def test_sample_is_as_itself(name: str) -> None:
    assert found(SAMPLES[name], SAMPLES[name]) == ()


EPOCH_MS = r"(?<!\d)1[0-9]{12}(?!\d)"
ANY = re.compile(f"{instants.ANYWHERE.pattern}|{EPOCH_MS}", re.ASCII)


def moved(recording: Recording, later_us: int) -> Recording:
    """The same at another time, with other ids, at another host."""
    (session,) = sessions.split(recording)
    ids = [one.value for one in travel.find(session, sessions.told(session), Rules()) if one.left is None]
    others = stand_ins(ids, lambda value: f"other {value}")
    hosts = {one.request.host for one in recording.exchanges}

    def text(raw: bytes) -> bytes:
        said = raw.decode().replace("%3A", ":")
        for one, other in [*others.items(), *((host, "other.example") for host in hosts)]:
            said = said.replace(one, other)
        return ANY.sub(lambda match: _later(match[0], later_us), said).encode()

    def exchange(one: Exchange) -> Exchange:
        asked, outcome = one.request, one.outcome
        request = replace(
            asked,
            target=text(asked.target.encode()).decode(),
            host="other.example",
            headers=tuple((name, text(value.encode()).decode()) for name, value in asked.headers),
            body=Body(text(asked.body.plain)),
            started_at_us=asked.started_at_us + later_us,
            ended_at_us=asked.ended_at_us and asked.ended_at_us + later_us,
        )
        if outcome and (response := outcome.response):
            started_us, body = response.started_at_us + later_us, Body(text(response.body.plain))
            outcome = replace(outcome, response=replace(response, body=body, started_at_us=started_us))
        return replace(one, request=request, outcome=outcome)

    messages = tuple(replace(one, raw=text(one.raw), at_us=one.at_us + later_us) for one in recording.messages)
    return replace(recording, exchanges=tuple(map(exchange, recording.exchanges)), messages=messages)


def _later(text: str, later_us: int) -> str:
    parsed = instants.parse(text)
    return instants.render(parsed[0] + later_us, parsed[1]) if parsed else text


some_later = st.integers(-200_000_000, 200_000_000).map(lambda seconds: seconds * SECOND_US)


@quick
@given(drawn.recordings(), some_later)
def test_moved_is_equal(recording: Recording, later_us: int) -> None:
    assert found(recording, recording) == ()
    assert found(recording, moved(recording, later_us)) == ()


@pytest.mark.parametrize("name", visitor.NAMES)
def test_moved_sample_is_equal(name: str) -> None:
    assert found(SAMPLES[name], moved(SAMPLES[name], 40_000_001 * SECOND_US)) == ()
