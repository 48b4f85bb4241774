import json

import factories
import pytest
from factories import AVAILABILITY, CALLBACK, CHAT_DIALOG, CHAT_PATH, MENU, QUEUE, Tape, position

from gms_replay import calls, fields, gms, marks, match
from gms_replay.calls import Call
from gms_replay.events import Asked
from gms_replay.match import Difference, Miss, MissKind, Ranked
from gms_replay.model import Headers
from gms_replay.rules import Rules
from gms_replay.story import Story, compile_stories


def compiled(tape: Tape, rules: Rules | None = None) -> Story:
    (only,) = compile_stories(tape.recording(), rules)
    return only


def never(asked_us: int, recorded_us: int) -> bool:
    return False


def equal(asked_us: int, recorded_us: int) -> bool:
    return asked_us == recorded_us


def ranked(
    tape: Tape, method: str, target: str, text: bytes = b"", headers: Headers = (), same_instant=never, rules=None
) -> list[Ranked]:
    operation = gms.recognise(method, target, text)
    assert operation is not None
    return match.candidates(operation, fields.read(target, headers, text), compiled(tape, rules), same_instant)


def ordered(text: bytes | str | dict[str, str], sent: Headers = ()) -> Tape:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, text, sent=sent)
    return tape


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("application/json", b'{"_media_type": "chat", "vip": 1}'),
        ("application/x-www-form-urlencoded", b"vip=1&_media_type=chat"),
        ("application/x-www-form-urlencoded", b'{"vip":"1","_media_type":"chat"}'),
        (
            "multipart/form-data; boundary=XX",
            b'--XX\r\nContent-Disposition: form-data; name="vip"\r\n\r\n1\r\n'
            b'--XX\r\nContent-Disposition: form-data; name="_media_type"\r\n\r\nchat\r\n--XX--\r\n',
        ),
    ],
)
def test_clothes_do_not_matter(content_type: str, text: bytes) -> None:
    tape = ordered({"_media_type": "chat", "vip": "1"})

    (one,) = ranked(tape, "POST", CALLBACK, text, (("content-type", content_type),))

    assert one.differences == ()


def test_differing_field_is_named() -> None:
    tape = ordered({"_media_type": "chat", "vip": "1", "lang": "en"})

    (one,) = ranked(tape, "POST", CALLBACK, b'{"_media_type":"voice","vip":"1","colour":"red"}')

    assert one.differences == (
        Difference("_media_type", "voice", "chat"),
        Difference("lang", None, "en"),
        Difference("colour", "red", None),
    )


def test_who_asks_only_ranks() -> None:
    tape = ordered({"_customer_number": "111", "vip": "1"})
    tape.ask(1, "POST", CALLBACK, {"_customer_number": "222", "vip": "1"})

    found = ranked(tape, "POST", CALLBACK, b'{"_customer_number":"222","vip":"1"}')

    assert [(one.answer.index, one.remarks, one.differences) for one in found] == [(1, 0, ()), (0, 1, ())]


def test_fewest_differences_come_first() -> None:
    tape = ordered({"a": "1", "b": "1"})
    tape.ask(1, "POST", CALLBACK, {"a": "2", "b": "1"})

    assert [one.answer.index for one in ranked(tape, "POST", CALLBACK, b"a=2&b=1")] == [1, 0]


def test_another_operation_is_no_candidate() -> None:
    tape = Tape()
    tape.ask(0, "POST", CHAT_DIALOG)
    tape.ask(1, "GET", QUEUE)

    assert ranked(tape, "POST", MENU) == []


def test_dialogs_match_by_either_method() -> None:
    tape = Tape()
    tape.ask(0, "POST", CHAT_DIALOG)

    assert [one.differences for one in ranked(tape, "GET", CHAT_DIALOG)] == [()]


def test_own_clock_never_misses() -> None:
    tape = Tape()
    tape.ask(0, "GET", f"{AVAILABILITY}?start=2014-05-02T16:00:00.000Z&number-of-days=1")

    (one,) = ranked(tape, "GET", f"{AVAILABILITY}?start=2026-03-04T09:00:00.000Z&number-of-days=1")

    assert (one.differences, one.remarks) == ((), 1)


def test_told_instant_ranks_best() -> None:
    tape = ordered({"_desired_time": "2014-05-02T16:30:00.000Z"})
    tape.ask(1, "POST", CALLBACK, {"_desired_time": "2014-05-02T16:45:00.000Z"})

    found = ranked(tape, "POST", CALLBACK, b'{"_desired_time":"2014-05-02T16:45:00.000Z"}', same_instant=equal)

    assert [one.answer.index for one in found] == [1, 0]


def test_recorded_instant_is_not_meant() -> None:
    tape = ordered({"_desired_time": "2014-05-02T16:30:00.000Z"})

    (one,) = ranked(tape, "POST", CALLBACK, b'{"_desired_time":"2014-05-02T16:30:00.000Z"}')

    assert one.remarks == 1


def test_missing_instant_only_ranks() -> None:
    tape = ordered({"_desired_time": "2014-05-02T16:30:00.000Z", "vip": "1"})

    (one,) = ranked(tape, "POST", CALLBACK, b"vip=1")

    assert (one.differences, one.remarks) == ((), 1)


@pytest.mark.parametrize(("asked", "fields"), [("16:30", []), ("17:30", ["day"])])
def test_kept_instant_is_a_word(asked: str, fields: list[str]) -> None:
    tape = ordered({"day": "2014-05-02T16:30:00Z"})
    rules = Rules(times={"day": None})

    (one,) = ranked(tape, "POST", CALLBACK, b'{"day":"2014-05-02T%s:00Z"}' % asked.encode(), rules=rules)

    assert ([difference.field for difference in one.differences], one.remarks) == (fields, 0)


def test_instant_against_word_differs() -> None:
    tape = ordered({"when": "2014-05-02T16:30:00.000Z"})

    (one,) = ranked(tape, "POST", CALLBACK, b"when=now")

    assert one.differences == (Difference("when", "now", "2014-05-02T16:30:00.000Z"),)


def test_refresh_ranks_by_position() -> None:
    tape = Tape()
    for at_s, place in ((0, 0), (1, 3), (2, 5)):
        tape.ask(at_s, "POST", f"{CHAT_PATH}/refresh", f"transcriptPosition={place}")

    best, *_ = ranked(tape, "POST", f"{CHAT_PATH}/refresh", b"transcriptPosition=3")

    assert (best.answer.index, best.remarks) == (1, 0)


def test_position_elsewhere_is_ignored() -> None:
    tape = Tape()
    tape.ask(0, "POST", f"{CHAT_PATH}/send", "message=Hi&transcriptPosition=1")

    (one,) = ranked(tape, "POST", f"{CHAT_PATH}/send", b"message=Hi&transcriptPosition=4")

    assert one.remarks == 0


@pytest.mark.parametrize(
    ("rules", "asked", "fields"),
    [
        (Rules(), b"vip=1&subject=b", []),
        (Rules(exact=frozenset({"subject"})), b"vip=1&subject=b", ["subject"]),
        (Rules(free=frozenset({"vip"})), b"vip=2&subject=a", []),
        (Rules(exact=frozenset({"vip"})), b"vip=2&subject=a", ["vip"]),
    ],
)
def test_rules_say_what_may_differ(rules: Rules, asked: bytes, fields: list[str]) -> None:
    (one,) = ranked(ordered({"vip": "1", "subject": "a"}), "POST", CALLBACK, asked, rules=rules)

    assert [difference.field for difference in one.differences] == fields


def test_fitting_story_is_known() -> None:
    recorded = compiled(ordered({"vip": "1"}))
    right, wrong = (calls.read(Asked("POST", "http", CALLBACK, (), body)) for body in (b"vip=1", b"vip=2"))
    assert isinstance(right, Call)
    assert isinstance(wrong, Call)

    assert match.fits(right, recorded)
    assert not match.fits(wrong, recorded)


def test_nearest_paths_come_first() -> None:
    tape = Tape()
    for at_s, target in enumerate((QUEUE, CALLBACK, CHAT_DIALOG, MENU, f"{CHAT_PATH}/send")):
        tape.ask(at_s, "POST", target)

    found = match.nearest("POST", "/genesys/1/service/callback/salse", [compiled(tape)])

    assert len(found) == 3
    assert found[0].answer.target == CALLBACK
    assert found[0].differences == (Difference("path", "/genesys/1/service/callback/salse", CALLBACK),)


def test_nearest_tells_what_is_other() -> None:
    tape = Tape()
    tape.ask(0, "POST", f"{CALLBACK}?a=1")

    (found,) = match.nearest("GET", f"{CALLBACK}?a=2", [compiled(tape)])

    assert found.differences == (Difference("method", "GET", "POST"),)


def test_nearest_names_each_once() -> None:
    tape = Tape()
    for at_s in range(5):
        tape.ask(at_s, "GET", QUEUE, b"", position(at_s))

    assert [one.answer.target for one in match.nearest("GET", QUEUE, [compiled(tape)])] == [QUEUE]


def test_nearest_prefers_same_method() -> None:
    tape = Tape()
    tape.ask(0, "GET", CALLBACK)
    tape.ask(1, "POST", CALLBACK)

    assert match.nearest("POST", f"{CALLBACK}s", [compiled(tape)])[0].answer.method == "POST"


def missed(method: str, target: str) -> tuple[MissKind, list[str]]:
    """Why that is a miss of a visit which was answered once and not a second time, and what is named as near."""
    tape = ordered("")
    tape.ask_in_vain(1, "GET", QUEUE)
    tape.open_comet(2)
    operation, story = gms.recognise(method, target, b""), compiled(tape)
    assert operation is not None
    ranked = match.candidates(operation, {"vip": "1"}, story, never)
    told = match.miss(operation, Asked(method, "http", target, (), b""), ranked, story)
    return told.kind, [one.answer.target for one in told.nearest]


@pytest.mark.parametrize(
    ("method", "target", "kind"),
    [
        ("POST", CALLBACK, MissKind.FIELD_DIFFERS),
        ("GET", QUEUE, MissKind.UNANSWERED),
        ("POST", CHAT_DIALOG, MissKind.UNKNOWN_ROUTE),
        ("POST", f"{CALLBACK}-other", MissKind.UNKNOWN_CALLBACK),
    ],
)
def test_miss_says_why_and_names_answers_only(method: str, target: str, kind: MissKind) -> None:
    assert missed(method, target) == (kind, [CALLBACK])


def miss() -> Miss:
    return match.field_differs("POST", CALLBACK, ranked(ordered({"vip": "1"}), "POST", CALLBACK, b"vip=2"))


def test_miss_tells_people() -> None:
    assert str(miss()) == (
        "miss: POST /genesys/1/service/callback/sales: field differs\n"
        "  nearest: POST /genesys/1/service/callback/sales\n"
        "    vip: asked '2', recorded '1'"
    )


def test_miss_tells_programs() -> None:
    assert miss().as_json() == {
        "error": "no recorded answer",
        "kind": "field differs",
        "session": None,
        "asked": {"method": "POST", "target": CALLBACK},
        "nearest": [
            {
                "method": "POST",
                "target": CALLBACK,
                "fields": {"vip": "1"},
                "differences": [{"field": "vip", "asked": "2", "recorded": "1"}],
                "more": 0,
            }
        ],
    }


def test_what_no_answer_has_is_looked_at_once() -> None:
    tape = Tape()
    for at_s in range(1_000):
        tape.ask(at_s, "POST", CALLBACK, {"vip": str(at_s)})
    said = "&".join(f"{number}.firstName=Ann" for number in range(20_000))

    best = ranked(tape, "POST", CALLBACK, f"vip=7&{said}".encode())[0]

    assert (best.answer.index, best.remarks, best.differences) == (7, 20_000, ())


def test_miss_cuts_what_is_long() -> None:
    sent = "&".join(f"{number:02}{'x' * 200}={'y' * 1000}" for number in range(30))

    found = match.field_differs("POST", CALLBACK, ranked(ordered({"vip": "1"}), "POST", CALLBACK, sent.encode()))

    (near,) = found.nearest
    assert (len(near.differences), near.more) == (20, 11)
    assert near.differences[1] == Difference(f"00{'x' * 198}…", f"{'y' * 200}…", None)
    assert str(found).endswith("\n    and 11 more")
    assert found.as_json()["nearest"][0]["more"] == 11


def test_miss_of_elsewhere_cuts_what_is_long() -> None:
    tape = ordered({"vip": "1" * 1000})

    found = Miss(MissKind.UNKNOWN_ROUTE, "POST", CALLBACK, match.nearest("POST", "/" + "x" * 9000, [compiled(tape)]))

    (near,) = found.as_json()["nearest"]
    assert near["fields"] == {"vip": f"{'1' * 200}…"}
    assert near["differences"] == [{"field": "path", "asked": f"/{'x' * 199}…", "recorded": CALLBACK}]


def test_long_json_in_a_string_is_compared_whole() -> None:
    recorded, asked = ({"data": json.dumps({"firstName": name, "vip": [1] * 1000})} for name in ("Kbu", "Ann"))

    (one,) = ranked(ordered(recorded), "POST", CALLBACK, json.dumps(asked).encode())

    assert [difference.field for difference in one.differences] == ["data"]


def test_miss_shows_three() -> None:
    tape = Tape()
    for at_s in range(5):
        tape.ask(at_s, "POST", CALLBACK, {"vip": str(at_s)})

    found = match.field_differs("POST", CALLBACK, ranked(tape, "POST", CALLBACK, b"vip=9"))

    assert found.kind is MissKind.FIELD_DIFFERS
    assert [one.answer.index for one in found.nearest] == [0, 1, 2]


def test_what_chat2_shows_does_not_rank() -> None:
    """So an app that keeps to an alias of before is told what is true now."""
    tape = Tape()
    for at_s, alias in enumerate(("117", "118")):
        tape.ask(at_s, "POST", "/2/chat/support/C/refresh", f"alias={alias}&secureKey=K&userId=7&chatId=C")

    shown = b"alias=117&secureKey=other&userId=&chatId=other"
    assert [(one.differences, one.remarks) for one in ranked(tape, "POST", "/2/chat/support/C/refresh", shown)] == [
        ((), 0),
        ((), 0),
    ]


def test_chats2_of_other_services_are_others() -> None:
    tape = Tape()
    tape.ask(0, "POST", "/2/chat/support", "nickname=Stan")

    assert ranked(tape, "POST", "/2/chat/sales", b"nickname=Stan") == []
    assert [one.differences for one in ranked(tape, "POST", "/2/chat/support", b"nickname=Ann")] == [()]


def test_nearest_was_answered_once() -> None:
    """Whatever became of the last request of its like."""
    tape = Tape()
    tape.ask(0, "GET", QUEUE, b"", {"_position": "1"})
    tape.ask_in_vain(1, "GET", QUEUE)

    assert [one.answer.target for one in match.nearest("GET", f"{QUEUE}s", [compiled(tape)])] == [QUEUE]


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({"firstName": "Ann", "vip": 1}, []),
        ({"vip": 1}, []),
        ({"firstName": "Ann", "vip": 2}, ["data"]),
        ({"firstName": "Ann"}, ["data"]),
    ],
)
def test_private_fields_are_free_in_json_in_a_string(asked: dict[str, object], fields: list[str]) -> None:
    tape = ordered({"data": '{"firstName": "Kbu", "vip": 1}'})

    (one,) = ranked(tape, "POST", CALLBACK, json.dumps({"data": json.dumps(asked)}).encode())

    assert [difference.field for difference in one.differences] == fields


@pytest.mark.parametrize(
    ("recorded", "fields"),
    [
        (marks.marked("+4915112345678"), []),
        ("+4915112345678", ["line"]),
        (f"{marks.marked('kqx.wert')}@zxcv.example", []),
        (marks.marked("Zk83hQx0Ypl2"), []),
        (marks.marked("premium"), ["line"]),
        (marks.marked("123456789012"), ["line"]),
        (f"{marks.marked('premium')} {marks.marked('customer')}", ["line"]),
    ],
)
def test_a_stand_in_matches_anything_wherever_it_stands(recorded: str, fields: list[str]) -> None:
    (one,) = ranked(ordered({"line": recorded}), "POST", CALLBACK, b'{"line": "+4930777777777"}')

    assert [difference.field for difference in one.differences] == fields


def test_derived_answer_takes_anything() -> None:
    """Nobody knows what the recorded app would have said."""
    tape = ordered({"_media_type": "chat"})
    tape.ask(1, "POST", CHAT_PATH, "notify_by=comet", factories.connected("2014-05-02T16:27:31Z"))
    tape.open_comet(2)
    tape.poll(3, 1, factories.frame(1, factories.JOINED))

    (one,) = ranked(tape, "POST", factories.REFRESH, b"transcriptPosition=7&odd=1")

    assert (one.answer.is_derived, one.differences, one.remarks) == (True, (), 0)
