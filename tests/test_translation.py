import json
from urllib.parse import quote, urlencode

import factories
import pytest
from driver import NOW_US
from factories import CALLBACK, CHAT_DIALOG, CHAT_PATH, SERVICE, START_US, Tape
from hypothesis import given, settings
from hypothesis import strategies as st

from gms_replay import gms
from gms_replay.events import Asked
from gms_replay.gms import Operation
from gms_replay.identities import stand_ins
from gms_replay.story import compile_stories
from gms_replay.translation import Translation

(STORY,) = compile_stories(factories.visit())
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

    meant, said = told.as_recorded(operation(target), Asked("POST", "http", f"{target}?id={OTHER}", (), b""))

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

    operation_meant, fields = translation(**told).as_recorded(operation(target), asked)

    assert fields == {"q": meant, "b.0": meant}
    assert operation_meant.service_id == quote(recorded[0], safe="")
    assert operation_meant.name == f"storage/{quote(recorded[-1], safe='')}"


def test_words_of_the_app_come_back() -> None:
    told = translation()
    answers = {answer.target: answer for answer in STORY.answers}
    chat = answers[CHAT_PATH]
    for text, index in (("firstName=Ann", chat.index), ("message=Hi", None)):
        target = CHAT_PATH if index else f"{CHAT_PATH}/send"
        told.hear(operation(target), Asked("POST", "http", target, (), text.encode()), index)

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
