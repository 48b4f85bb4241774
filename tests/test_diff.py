import json
from dataclasses import replace
from typing import Any

import pytest

from gms_replay.diff import Seen, Transcript, compare
from gms_replay.disguise import Hidden
from gms_replay.gms import InstantClass
from gms_replay.timeline import Shift

SECOND_US = 1_000_000
START_US = 1_399_048_058 * SECOND_US


def transcript(*bodies: str, origin: str = "http://gms:8080", after_s: int = 0, **channels: list[Any]) -> Transcript:
    answers = tuple(Seen(f"POST /genesys/{n}", 200, (), body.encode()) for n, body in enumerate(bodies))
    told = {f"/{name}": tuple(json.dumps(one).encode() for one in messages) for name, messages in channels.items()}
    return Transcript(origin, START_US + after_s * SECOND_US, answers, told)


def test_same_run_is_equal() -> None:
    run = transcript('{"_id": "3SQI3S31693JL9L3", "_label": "Start Chat"}', chat=[{"data": "hello"}])

    assert compare(run, run).equal


def test_other_text_is_named() -> None:
    live, replayed = transcript('{"_label": "Start Chat"}'), transcript('{"_label": "Start"}')

    assert [str(one) for one in compare(live, replayed).differences] == [
        "answer 1 (POST /genesys/0) _label: expected 'Start Chat', got 'Start'"
    ]


def test_own_urls_lead_elsewhere() -> None:
    live = transcript('{"_url": "http:\\/\\/gms:8080\\/genesys"}')
    replayed = transcript('{"_url": "http:\\/\\/mine\\/~s2~\\/genesys"}', origin="http://mine")

    assert compare(live, replayed).equal


def test_url_left_behind_differs() -> None:
    live = transcript('{"_url": "http://gms:8080/genesys"}')
    replayed = transcript('{"_url": "http://gms:8080/genesys"}', origin="http://mine")

    assert not compare(live, replayed).equal


def test_instants_move_together() -> None:
    live = transcript('{"_expires": "2014-05-02T16:30:00.000Z", "utcTime": 1399048058000}')
    replayed = transcript('{"_expires": "2014-05-02T16:31:00.000Z", "utcTime": 1399048118000}', after_s=60)

    result = compare(live, replayed)

    assert result.equal
    assert result.moved[InstantClass.EVENT] == {60 * SECOND_US: 2}


@pytest.mark.parametrize(("hour", "equal"), [(19, True), (18, False)])
def test_summer_time_is_no_shift(hour: int, equal: bool) -> None:
    body = '{"timezone": "Europe/Berlin", "slots": [{"utcTime": "2014-03-%sT17:30Z", "localTime": "2014-03-%sT%s:30"}]}'
    live = transcript(body % (29, 29, 18))
    replayed = transcript(body % (30, 30, hour), after_s=86_400)

    assert compare(live, replayed).equal is equal


@pytest.mark.parametrize("field", ["_expires", "a_field_of_their_own"])
def test_stale_instant_differs(field: str) -> None:
    live = transcript(f'{{"{field}": "2014-05-02T16:30:00Z"}}')
    replayed = transcript(f'{{"{field}": "2014-05-02T16:30:00Z"}}', after_s=3600)

    assert [one.where for one in compare(live, replayed).differences] == ["event instants' shift"]


def test_day_grows_a_digit() -> None:
    live = transcript('["Fri, 2 May 2014 16:30:00 GMT"]')
    replayed = transcript('["Mon, 12 May 2014 16:30:00 GMT"]', after_s=10 * 86_400)

    assert compare(live, replayed).equal


def test_uneven_shifts_differ() -> None:
    live = transcript('["2014-05-02T16:30:00Z", "2014-05-02T16:30:05Z"]')
    replayed = transcript('["2014-05-02T16:31:00Z", "2014-05-02T16:31:04Z"]', after_s=60)

    assert [one.expected for one in compare(live, replayed).differences] == ["one for all"]


def test_slots_keep_their_grid() -> None:
    live = transcript('{"2014-05-02T16:30:00.000Z": 5, "_expires": "2014-05-02T16:30:00Z"}')
    replayed = transcript('{"2014-05-02T16:35:00.000Z": 5, "_expires": "2014-05-02T16:31:00Z"}', after_s=60)

    result = compare(live, replayed)

    assert result.equal
    assert result.moved == {InstantClass.EVENT: {60 * SECOND_US: 1}, InstantClass.CALENDAR: {300 * SECOND_US: 1}}


@pytest.mark.parametrize(("after_days", "equal"), [(6, True), (7, True), (15, False)])
def test_slots_keep_to_weeks(after_days: int, equal: bool) -> None:
    """After six days the next whole week is the first, after fifteen the third."""
    live = transcript('{"2014-05-02T16:30:00.000Z": 5}')
    replayed = transcript('{"2014-05-09T16:30:00.000Z": 5}', after_s=after_days * 86_400)

    assert compare(live, replayed, Shift.WEEKS).equal == equal


def test_changed_notation_differs() -> None:
    live = transcript('{"_expires": "2014-05-02T16:30:00.000Z"}')
    replayed = transcript('{"_expires": "2014-05-02T16:30:00Z"}')

    assert not compare(live, replayed).equal


def test_identities_stand_for_one() -> None:
    live = transcript('["3SQI3S31693JL9L3", "chat.3SQI3S31693JL9L3"]')
    same = transcript('["9ABC9D99999EF9G9", "chat.9ABC9D99999EF9G9"]')
    mixed = transcript('["9ABC9D99999EF9G9", "chat.8ABC8D88888EF8G8"]')

    assert compare(live, same).equal
    assert not compare(live, mixed).equal


def test_one_identity_for_two_differs() -> None:
    live = transcript('["3SQI3S31693JL9L3", "4SQI3S31693JL9L3"]')
    replayed = transcript('["9ABC9D99999EF9G9", "9ABC9D99999EF9G9"]')

    assert not compare(live, replayed).equal


def test_seconds_since_start_aside() -> None:
    live = transcript('{"transcriptToShow": [["Message.Text", "Stan", "Hello", "8", "CLIENT"]]}')
    replayed = transcript('{"transcriptToShow": [["Message.Text", "Stan", "Hello", "9", "CLIENT"]]}')

    assert compare(live, replayed).equal


def test_missing_message_is_named() -> None:
    live, replayed = transcript(chat=[{"data": 1}, {"data": 2}]), transcript(chat=[{"data": 1}])

    assert [one.where for one in compare(live, replayed).differences] == ["/chat message 2"]


def test_changed_order_differs() -> None:
    live, replayed = transcript(chat=[{"data": 1}, {"data": 2}]), transcript(chat=[{"data": 2}, {"data": 1}])

    assert len(compare(live, replayed).differences) == 2


def test_headers_and_status_count() -> None:
    live = Transcript("", START_US, (Seen("GET /a", 200, (("Set-Cookie", "a=1"), ("Server", "x")), b""),), {})
    replayed = Transcript("", START_US, (Seen("GET /a", 404, (("set-cookie", "a=2"),), b""),), {})

    assert [one.where for one in compare(live, replayed).differences] == [
        "answer 1 (GET /a) status",
        "answer 1 (GET /a) header set-cookie",
    ]


def test_malformed_bodies_are_compared() -> None:
    live, replayed = transcript('{"_label": "a",}'), transcript('{"_label": "b",}')

    assert [one.where for one in compare(live, replayed).differences] == ["answer 1 (POST /genesys/0) _label"]


def test_app_may_call_itself_otherwise() -> None:
    live = transcript('{"_user_header": "ann"}', '{"_user_header": "ann"}')

    assert compare(live, transcript('{"_user_header": "bob"}', '{"_user_header": "bob"}')).equal
    assert not compare(live, transcript('{"_user_header": "bob"}', '{"_user_header": "eve"}')).equal


LINES = '[["Message.Text", "{}", "I am {}, at {}", "3", "CLIENT"]]'


def of_somebody(name: str, mail: str, hidden: Hidden | None = None) -> Transcript:
    body = f'{{"first_name": "{name}", "transcriptToShow": {LINES.format(name, name, mail)}}}'
    told = transcript(body)
    (answer,) = told.answers
    asked = f"{answer.asked}?email={mail.replace('@', '%40')}"
    return replace(told, answers=(replace(answer, asked=asked),), hidden=hidden)


def test_what_was_redacted_stands_for_what_the_app_says() -> None:
    said, recorded = of_somebody("Ann", "ann@home.com"), of_somebody("Kbu", "kqx@wert.example", Hidden())

    assert compare(recorded, said).differences == []
    assert compare(said, recorded).equal
    assert len(compare(replace(recorded, hidden=None), said).differences) == 4


def test_messages_decide_too_what_stands_for_whom() -> None:
    names = ("Oops", "Kbu", "Kbu"), ("Ann", "Ann", "Ann")
    recorded, said = (
        transcript(f'{{"firstName": "{first}"}}', chat=[{"firstName": name} for name in others])
        for first, *others in names
    )

    found = compare(replace(recorded, hidden=Hidden()), said).differences

    assert [one.where for one in found] == ["answer 1 (POST /genesys/0) firstName"]


def test_of_what_was_redacted_one_for_two_differs() -> None:
    recorded = transcript('[{"firstName": "Kbu"}, {"firstName": "Kbu"}]')
    said = transcript('[{"firstName": "Ann"}, {"firstName": "Bob"}]')

    found = compare(replace(recorded, hidden=Hidden()), said).differences
    assert [one.where for one in found] == ["answer 1 (POST /genesys/0) 1.firstName"]


def test_answer_that_is_one_more_or_less_is_named() -> None:
    one, two = transcript("{}"), transcript("{}", "[]")

    assert [str(each) for each in compare(one, two).differences] == [
        "answer 2 (POST /genesys/1): expected None, got '200'"
    ]
    assert [str(each) for each in compare(two, one).differences] == [
        "answer 2 (POST /genesys/1): expected '200', got None"
    ]


def test_field_that_is_one_more_or_less_is_named() -> None:
    one, two = transcript('{"a": 1}'), transcript('{"a": 1, "b": 2}')

    assert [each.expected for each in compare(one, two).differences] == [None, None]
    assert [each.actual for each in compare(two, one).differences] == [None, None]


def test_header_that_is_gone_is_named() -> None:
    one = transcript("{}")
    answer = replace(one.answers[0], headers=(("x-a", "1"),))

    (found,) = compare(replace(one, answers=(answer,)), one).differences
    assert (found.expected, found.actual) == ("x-a: 1", None)
