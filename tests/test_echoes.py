import json
from typing import Any

import factories
import pytest
from factories import CHAT_PATH, HELLO, JOINED, SEND, SERVICE, Tape, at, frame

from gms_replay import echoes, sessions
from gms_replay.echoes import Echo, Memory, Source, Spoken
from gms_replay.gms import Kind
from gms_replay.model import Message
from gms_replay.rules import Rules
from gms_replay.sessions import Told
from gms_replay.spans import spans
from gms_replay.story import Story, compile_stories

START: Source = (Kind.START_CHAT, 1)
FIRST, SECOND = (Kind.SEND, 0), (Kind.SEND, 1)


def told(text: bytes | dict[str, Any], at_s: float = 10, number: int = 1) -> Told:
    raw = text if isinstance(text, bytes) else json.dumps(text).encode()
    return Told(number, None, at(at_s), raw, tuple(spans(raw)))


def spoken(at_s: float, source: Source, **said: str) -> Spoken:
    return Spoken(at(at_s), source, said)


def found(texts: list[Told], *said: Spoken, rules: Rules | None = None) -> list[dict[str, Echo]]:
    """The echoes of each text, by the words that they repeat, as they stand there."""
    every = echoes.find(texts, said, rules or Rules())
    return [
        {
            text.raw[start : next(one.end for one in text.values if one.start == start)].decode(): echo
            for start, echo in every.get((text.exchange_id, None), {}).items()
        }
        for text in texts
    ]


def of(text: bytes | dict[str, Any], *said: Spoken, rules: Rules | None = None) -> dict[str, Echo]:
    return found([told(text)], *said, rules=rules)[0]


def line(text: str, nickname: str = "Stan", party: str = "CLIENT", kind: str = "Message.Text") -> dict[str, Any]:
    return {"transcriptToShow": [[kind, nickname, text, "8", party]]}


def message(text: str, nickname: str = "Stan", party: str = "Client", index: int = 1) -> dict[str, Any]:
    who = {"nickname": nickname, "participantId": 1, "type": party}
    return {"messages": [{"from": who, "index": index, "type": "Message", "text": text}]}


def test_field_of_the_same_name_is_an_echo() -> None:
    said = spoken(1, START, subject="My bill")

    assert of({"_chat_parameters": {"subject": "My bill"}}, said) == {"My bill": Echo(START, ("subject",))}


@pytest.mark.parametrize(
    "text",
    [{"label": "My bill"}, {"subject": "My bill!"}, {"subject": ["My bill"]}, {"My bill": "subject"}, {"subject": 1}],
)
def test_other_fields_and_words_are_none(text: dict[str, Any]) -> None:
    assert of(text, spoken(1, START, subject="My bill", label="My bill")) == {}


def test_what_is_not_said_yet_is_no_echo() -> None:
    assert of({"subject": "a"}, spoken(11, START, subject="a")) == {}


def test_last_of_who_said_it_is_repeated() -> None:
    texts = [told({"subject": "a"}, 2, 1), told({"subject": "a"}, 4, 2)]
    said = (spoken(1, START, subject="a"), spoken(3, FIRST, subject="a"))

    assert [echo["a"].source for echo in found(texts, *said)] == [START, FIRST]


def test_field_that_the_rules_call_an_identity_is_none() -> None:
    assert of({"subject": "a"}, spoken(1, START, subject="a"), rules=Rules(identities=frozenset({"subject"}))) == {}


@pytest.mark.parametrize(
    ("said", "nickname", "fields"),
    [
        ({"nickname": "Stan"}, "Stan", ("nickname",)),
        ({"userDisplayName": "Stan", "firstName": "Stan"}, "Stan", ("userDisplayName",)),
        ({"firstName": "Stan", "lastName": "Lee"}, "Stan Lee", ("firstName", "lastName")),
        ({"firstName": "Stan", "lastName": "Lee"}, "Lee Stan", ("lastName", "firstName")),
        ({"firstName": "Stan", "lastName": "Lee"}, "Stan", ("firstName",)),
        ({"userData.firstName": "Stan", "lastName": "Lee"}, "Stan Lee", ("userData.firstName", "lastName")),
    ],
)
@pytest.mark.parametrize("tell", [line, message])
def test_nickname_is_found_out(tell: Any, said: dict[str, str], nickname: str, fields: tuple[str, ...]) -> None:
    assert of(tell("", nickname), spoken(1, START, **said)) == {nickname: Echo(START, fields)}


def test_notice_has_its_nickname() -> None:
    assert of(line("joins", "Stan", kind="Notice.Joined"), spoken(1, START, nickname="Stan")) == {
        "Stan": Echo(START, ("nickname",))
    }


@pytest.mark.parametrize("tell", [line, message])
def test_message_comes_back(tell: Any) -> None:
    assert of(tell("Hello."), spoken(1, FIRST, message="Hello.")) == {"Hello.": Echo(FIRST, ("message",))}


@pytest.mark.parametrize("told_by", [line("Hello.", "Kristi", "AGENT"), message("Hello.", "Kristi", "Agent")])
def test_agents_words_are_the_agents(told_by: dict[str, Any]) -> None:
    said = (spoken(1, START, nickname="Kristi", text="Hello."), spoken(2, FIRST, message="Hello."))

    assert of(told_by, *said) == {}


def test_same_words_come_back_in_order() -> None:
    texts = [told(frame(number, HELLO), 10 + number, number) for number in (1, 2, 3)]
    said = (spoken(1, FIRST, message="Hello."), spoken(2, SECOND, message="Hello."))

    assert [[echo.source for echo in one.values()] for one in found(texts, *said)] == [[FIRST], [SECOND], []]


def test_line_told_again_repeats_the_same() -> None:
    texts = [told(frame(1, HELLO), 11, 1), told(frame(2, f"{HELLO},{JOINED}"), 12, 2), told(frame(3, HELLO), 13, 3)]
    said = (spoken(1, FIRST, message="Hello."), spoken(2, SECOND, message="Hello."))

    assert [[echo.source for echo in one.values()] for one in found(texts, *said)] == [[FIRST], [FIRST], [SECOND]]


def test_earlier_line_takes_no_later_send() -> None:
    """It was said before the recorder was started."""
    texts = [told(frame(1, HELLO), 1, 1), told(frame(2, HELLO), 3, 2)]

    assert [len(one) for one in found(texts, spoken(2, FIRST, message="Hello."))] == [0, 1]


def test_malformed_text_has_echoes() -> None:
    text = b'{"subject":"a","transcriptToShow":[["Message.Text","Stan","Hello.","8","CLIENT"],],}'
    said = (spoken(1, START, subject="a", nickname="Stan"), spoken(2, FIRST, message="Hello."))

    assert list(of(text, *said)) == ["a", "Stan", "Hello."]


# What this app said instead.


@pytest.mark.parametrize(
    ("fields", "said", "words"),
    [
        (("message",), {"message": "Bye."}, "Bye."),
        (("message",), {"message": ""}, ""),
        (("message",), {"text": "Bye."}, None),
        (("firstName", "lastName"), {"firstName": "Bob", "lastName": "Ross"}, "Bob Ross"),
        (("firstName", "lastName"), {"firstName": "Bob", "lastName": ""}, "Bob"),
        (("firstName", "lastName"), {"lastName": "Ross"}, "Ross"),
        (("firstName", "lastName"), {}, None),
    ],
)
def test_words_are_composed(fields: tuple[str, ...], said: dict[str, str], words: str | None) -> None:
    assert Echo(FIRST, fields).words({FIRST: said}) == words
    assert Echo(SECOND, fields).words({FIRST: said}) is None


def heard(memory: Memory, *said: tuple[Kind, int | None]) -> list[bool]:
    return [memory.hear(kind, index, {"message": f"{number}"}) for number, (kind, index) in enumerate(said)]


def test_sends_are_counted() -> None:
    memory = Memory({SECOND: {"message"}, START: {"message"}})

    assert heard(memory, (Kind.SEND, 9), (Kind.SEND, 4), (Kind.SEND, None)) == [False, True, False]
    assert heard(memory, *((Kind.START_CHAT, index) for index in (0, 1, None))) == [False, True, False]
    assert memory.said == {SECOND: {"message": "1"}, START: {"message": "1"}}


def test_what_does_not_come_back_is_not_kept() -> None:
    """Such as a file that is sent along."""
    memory = Memory({FIRST: {"message", "nickname"}})
    memory.hear(Kind.SEND, 0, {"message": "Hello.", "file": "a" * 1000})

    assert memory.said == {FIRST: {"message": "Hello."}}


# In a story.


def compiled(tape: Tape) -> Story:
    (only,) = compile_stories(tape.recording())
    return only


def test_story_knows_what_is_repeated() -> None:
    (story,) = compile_stories(factories.visit())

    assert story.echoed == {
        (Kind.START_CHAT, 6): {"firstName"},
        (Kind.SEND, 0): {"message"},
        (Kind.SEND, 1): {"message"},
    }
    assert [len(event.echoes) for event in story.events["/_genesys"]] == [0, 2, 0, 0, 2, 0]


def test_send_that_was_repeated_counts_once() -> None:
    tape = Tape()
    tape.ask(0, "POST", CHAT_PATH, "nickname=Stan", {"_id": SERVICE})
    tape.ask_in_vain(1, "POST", SEND, "message=Hello.", "gone")
    tape.ask(2, "POST", SEND, "message=Hello.")
    tape.ask(3, "POST", SEND, "message=Bye.", json.dumps(line("Bye.")))

    last = compiled(tape).answers[2]

    assert [echo.source for echo in last.echoes.values()] == [(Kind.START_CHAT, 0), (Kind.SEND, 1)]


def test_messages_are_keyed_by_their_ids() -> None:
    (session,) = sessions.split(factories.visit())
    messages: dict[int, Message] = {one.id: one for one in factories.visit().messages}
    texts = list(sessions.told(session))

    every = echoes.find(texts, [spoken(23, FIRST, message="Hello.")], Rules())

    (number,) = (message_id for _, message_id in every if message_id is not None)
    assert messages[number].raw == frame(2, HELLO)
