import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode

import factories
import pytest
from driver import NOW_US
from factories import CALLBACK, CHAT_DIALOG, CHAT_PATH, SERVICE, START_US, Tape
from hypothesis import given, settings
from hypothesis import strategies as st

from gms_replay import fields, gms
from gms_replay.cassette.reader import read
from gms_replay.events import Asked
from gms_replay.gms import Kind, Operation
from gms_replay.identities import stand_ins
from gms_replay.model import Recording, header
from gms_replay.story import compile_stories
from gms_replay.timeline import Shift
from gms_replay.translation import Translation

(STORY,) = compile_stories(factories.visit())
SAMPLES = sorted((Path(__file__).parents[1] / "cassettes").glob("*.sqlite"))
OTHER = SERVICE.replace("3", "8")


def translation(**identities: str) -> Translation:
    return Translation(STORY, dict(identities), now_us=None, comet_segment="/~s2~")


def operation(target: str) -> Operation:
    found = gms.recognise("POST", target, b"")
    assert found is not None
    return found


def dialog(told: Translation, accepts: str = "") -> str:
    answer = next(answer for answer in STORY.answers if answer.target == CHAT_DIALOG)
    _, body = told.answer(answer, told.shift_us(answer.at_us, NOW_US), accepts)
    return body.decode()


def test_ids_go_both_ways() -> None:
    told = translation(**{SERVICE: OTHER})
    target = CHAT_DIALOG.replace(SERVICE, OTHER)

    meant, said = told.as_recorded(operation(target), fields.read(f"{target}?id={OTHER}", (), b""))

    assert told.service_ids == {OTHER}
    assert meant.service_id == SERVICE
    assert said["id"] == SERVICE
    assert OTHER in dialog(told)
    assert SERVICE not in dialog(told)


ids = st.text(st.sampled_from("abYZ059-_.:/+ é"), max_size=10).map("a1{}b2".format)
around = st.text(st.sampled_from('/?&=.:-_ "{}é'), min_size=1, max_size=3)


@settings(max_examples=100, deadline=None)
@given(st.lists(ids, min_size=1, max_size=4, unique=True), st.text(), st.data())
def test_told_ids_round_trip(recorded: list[str], name: str, data: st.DataObject) -> None:
    """Whatever a request says with ids that were told, it means with those that were recorded."""
    told = stand_ins(recorded, lambda value: f"{name} {value}")
    meant = " ".join(data.draw(around) + value + data.draw(around) for value in recorded)
    said = " ".join(meant.split(" "))
    for value in sorted(recorded, key=len, reverse=True):
        said = said.replace(value, f"\0{recorded.index(value)}\0")
    for place, value in enumerate(recorded):
        said = said.replace(f"\0{place}\0", told[value])
    target = f"/genesys/1/service/{quote(told[recorded[0]], safe='')}/storage/{quote(told[recorded[-1]], safe='')}"
    asked = Asked("POST", "http", f"{target}?{urlencode({'q': said})}", (), json.dumps({"b": [said]}).encode())

    operation_meant, understood = translation(**told).as_recorded(
        operation(target), fields.read(asked.target, asked.headers, asked.body)
    )

    assert understood == {"q": meant, "b.0": meant}
    assert operation_meant.service_id == quote(recorded[0], safe="")
    assert operation_meant.name == f"storage/{quote(recorded[-1], safe='')}"


def test_words_of_the_app_come_back() -> None:
    told = translation()
    answers = {answer.target: answer for answer in STORY.answers}
    chat = answers[CHAT_PATH]
    for text, index in (("firstName=Ann", chat.index), ("message=Hi", None)):
        target = CHAT_PATH if index else f"{CHAT_PATH}/send"
        told.hear(operation(target), fields.read(target, (), text.encode()), index)

    said = told.text(STORY.events["/_genesys"][1].body, 0)

    assert b'["Message.Text","Ann","Hi",' in said


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/genesys/1/service/callback/x", "http://play.test/genesys"),
        ("/stage/genesys/1/service/callback/x", "http://play.test/stage/genesys"),
        ("/1/service/callback/x", "http://play.test"),
    ],
)
def test_urls_lead_back(path: str, base: str) -> None:
    told = translation()
    told.visit(operation(path), "http://play.test", None)

    assert f'"{base}/1/service/{SERVICE}/ixn/chat"' in dialog(told).replace("\\/", "/")


def test_comet_has_its_segment() -> None:
    told = translation()
    told.visit(operation(CHAT_DIALOG), "http://play.test", None)

    assert '"http://play.test/~s2~/genesys/cometd"' in dialog(told)


def test_user_is_told_as_it_came() -> None:
    told = translation()
    told.visit(operation(CHAT_DIALOG), "http://play.test", "ben@example.com")

    assert '"ben@example.com"' in dialog(told)


def test_told_instant_means_the_recorded() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, b"", b'{"_expires":"2014-05-02T16:30:00Z"}', takes_s=0)
    (story,) = compile_stories(tape.recording())
    told = Translation(story, {}, now_us=None, comet_segment="")
    (answer,) = story.answers

    _, body = told.answer(answer, told.shift_us(answer.at_us, NOW_US), "")

    assert body == b'{"_expires":"2026-03-04T09:02:30Z"}'
    expires_us = START_US + 150_000_000
    assert told.means(expires_us + NOW_US - START_US, expires_us)
    assert not told.means(expires_us, expires_us)


def test_told_keys_mean_the_recorded() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, b"", factories.slots("2014-05-02T16:30:00.000Z"), takes_s=0)
    (story,) = compile_stories(tape.recording())
    told = Translation(story, {}, now_us=START_US + 86_400_000_000, comet_segment="")
    (answer,) = story.answers
    _, body = told.answer(answer, told.shift_us(answer.at_us, NOW_US), "")
    asked = b'{"slots":[%s,{"2014-05-04T16:30:00.000Z":1}]}' % body

    _, said = told.as_recorded(operation(CALLBACK), fields.read(CALLBACK, (), asked))

    assert said == {"slots.0.2014-05-02T16:30:00.000Z": "5", "slots.1.2014-05-04T16:30:00.000Z": "1"}


def slots_of_all_notations() -> Recording:
    """Slots of version 2, across the end of summer time, and instants in each notation, in one visit."""
    body = """{"timezone":"Europe/Berlin","slots":[
    {"utcTime":"2014-10-25T16:30:00.000Z","localTime":"2014-10-25T18:30:00.000","capacity":2},
    {"utcTime":"2014-10-26T16:30:00.000Z","localTime":"2014-10-26T17:30:00.000+01:00","capacity":2},],
    "_expires":1399049850,"a":{"_expires":"Fri, 02 May 2014 16:57:30 GMT"},"b":{"_expires":"1399049850123"},
    "timestamp":"Fri May 02 16:27:31 UTC 2014","start_time":"2014-05-02 16:30+01:00"}"""
    tape = Tape()
    headers = (("Date", "Fri, 02 May 2014 16:27:31 GMT"), ("Set-Cookie", "a=b; Expires=Thu, 01-Jan-1970 00:00:00 GMT"))
    tape.ask(0, "POST", CALLBACK, b"", body, headers=headers)
    return tape.recording()


def recorded_origin(recording: Recording) -> str:
    """Where the app reached the recorded server."""
    return f"http://{header(recording.exchanges[0].request.headers, 'host')}"


@pytest.mark.parametrize("shift", Shift)
@pytest.mark.parametrize(
    "recording",
    [factories.visit(), slots_of_all_notations(), *map(read, SAMPLES)],
    ids=["visit", "notations", *(path.stem for path in SAMPLES)],
)
def test_no_shift_tells_every_byte(recording: Recording, shift: Shift) -> None:
    """To the first session, which has the recorded ids, where the recorded server was, when it was."""
    for story in compile_stories(recording):
        told = Translation(story, {}, now_us=story.start_us, comet_segment="", shift=shift)
        told.visit(Operation(Kind.START_CALLBACK, story.recorded.base), recorded_origin(recording), story.visit.user)
        for answer in story.answers:
            headers, body = told.answer(answer, told.shift_us(answer.at_us, answer.at_us + 9_000_000), "gzip")
            recorded = {(name.lower(), value) for name, value in answer.response.headers}
            assert body == (answer.response.body.wire if answer.body.is_literal else answer.response.body.plain)
            assert set(headers) <= recorded
        for event in (event for events in story.events.values() for event in events):
            assert told.text(event.body, told.shift_us(event.at_us, event.at_us + 9_000_000)) == event.raw


def test_later_winter_shows_in_local_times() -> None:
    (story,) = compile_stories(slots_of_all_notations())
    now_us = story.start_us + 25 * 7 * 86_400_000_000
    told = Translation(story, {}, now_us=now_us, comet_segment="", shift=Shift.WEEKS)
    (answer,) = story.answers

    _, body = told.answer(answer, told.shift_us(answer.at_us, answer.at_us), "")

    assert b'"utcTime":"2015-04-18T16:30:00.000Z","localTime":"2015-04-18T18:30:00.000"' in body
    assert b'"utcTime":"2015-04-19T16:30:00.000Z","localTime":"2015-04-19T18:30:00.000+02:00"' in body


def polled(answer: dict[str, object]) -> tuple[Translation, Callable[..., str]]:
    """A session of a chat whose app asks for the callback's record again and again, and what it is told."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, {"_media_type": "chat", "_customer_number": "5115"}, {"_id": SERVICE})
    tape.ask(1, "GET", f"{CALLBACK}?_id={SERVICE}", b"", answer)
    (story,) = compile_stories(tape.recording())
    told = Translation(story, {}, now_us=None, comet_segment="")

    def record(accepts: str = "", late_us: int = 0) -> str:
        shift_us = told.shift_us(story.answers[1].at_us, NOW_US + late_us)
        return told.answer(story.answers[1], shift_us, accepts)[1].decode()

    return told, record


def test_polled_answer_is_told_once() -> None:
    """However late it is told again: its instants were told, and nothing in it has changed."""
    told, record = polled({"_desired_time": "2014-05-02T16:45:00.000Z", "_expires": factories.START_US // 1_000_000})
    first, version = record(), told.version

    assert record(late_us=90_000_000) == first
    assert told.version == version


def test_polled_answer_is_told_anew() -> None:
    """When its app came another way, is another user, or said something else that is repeated."""
    answer = {"_url": f"{factories.URL}/a", "_user_header": factories.USER, "_customer_number": "5115"}
    told, record = polled(answer)
    start, asks = operation(CALLBACK), Kind.START_CALLBACK
    assert start.kind is asks

    told.visit(start, "http://one.test", "ann")
    first = record()
    told.visit(start, "http://two.test", "ann")
    second = record()
    told.visit(start, "http://two.test", "ben")
    third = record()
    told.hear(start, {"_customer_number": "5117"}, 0)
    last = record()

    assert [json.loads(text) for text in (first, second, third, last)] == [
        {"_url": "http://one.test/genesys/a", "_user_header": "ann", "_customer_number": "5115"},
        {"_url": "http://two.test/genesys/a", "_user_header": "ann", "_customer_number": "5115"},
        {"_url": "http://two.test/genesys/a", "_user_header": "ben", "_customer_number": "5115"},
        {"_url": "http://two.test/genesys/a", "_user_header": "ben", "_customer_number": "5117"},
    ]


def test_comet_elsewhere_tells_no_base() -> None:
    told = translation()
    told.visit(Operation(Kind.COMET, "/elsewhere"), "http://play.test", None)

    assert f'"http://play.test/genesys/1/service/{SERVICE}/ixn/chat"' in dialog(told).replace("\\/", "/")


def test_what_nothing_repeats_changes_nothing() -> None:
    told = translation()
    before = told.version

    told.hear(operation(CHAT_DIALOG), {"message": "Hi"}, None)

    assert told.version == before


def test_headers_are_told_to_the_app() -> None:
    tape = Tape()
    headers = (("Location", f"{factories.URL}/1/service/{SERVICE}/storage"),)
    tape.ask(0, "POST", CALLBACK, b"", {"_id": SERVICE}, headers=headers)
    (answer,) = compile_stories(tape.recording())[0].answers
    told = translation(**{SERVICE: OTHER})
    told.visit(operation(CALLBACK), "http://play.test", None)

    assert dict(told.headers(answer.headers, 0))["location"] == f"http://play.test/genesys/1/service/{OTHER}/storage"
