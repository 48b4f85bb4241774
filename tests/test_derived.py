import json

import pytest
from factories import CALLBACK, CHAT, CHAT_PATH, HELLO, JOINED, ORDER, REFRESH, SERVICE, Tape, at, frame, page

from gms_replay.gms import Kind
from gms_replay.items import Event
from gms_replay.story import Story, compile_stories


def story(said: str, *refreshes: tuple[float, str]) -> Story:
    """A chat that was started with these words, and refreshed."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode(), takes_s=0)
    tape.ask(1, "POST", CHAT_PATH, said, page(after=0, state="CONNECTED"), takes_s=0)
    for at_s, told in refreshes:
        tape.ask(at_s, "POST", REFRESH, "", told, takes_s=0)
    (compiled,) = compile_stories(tape.recording())
    return compiled


def messages(compiled: Story) -> tuple[Event, ...]:
    return compiled.events.get("/_genesys", ())


def test_chat_that_was_never_refreshed_can_be() -> None:
    *_, start, derived = story("notify_by=comet").answers

    assert derived.is_derived
    assert (derived.operation.kind, derived.operation.service_id) == (Kind.REFRESH, SERVICE)
    assert (derived.index, derived.target, derived.response) == (2, REFRESH, start.response)


def test_chat_that_was_refreshed_has_its_own_answers() -> None:
    assert not any(answer.is_derived for answer in story("", (2, page(JOINED, after=0))).answers)


def test_each_news_is_a_message() -> None:
    """With the new lines only; that nothing was new is none."""
    told = messages(
        story("", (4, page(JOINED, after=0)), (8, page(JOINED, after=0)), (12, page(JOINED, HELLO, after=0)))
    )

    said = [json.loads(one.raw) for one in told]
    lines = [one["data"]["message"]["transcriptToShow"] for one in said]
    assert lines == [[json.loads(JOINED)], [json.loads(HELLO)]]
    assert [one["data"]["message"]["transcriptPosition"] for one in said] == [1, 2]
    assert [one["data"]["tag"] for one in said] == [f"service.chat.refresh.{SERVICE}"] * 2
    assert len({one["data"]["id"] for one in said}) == 2
    assert [one.position for one in told] == [(CHAT, 1), (CHAT, 2)]
    assert all(one.is_derived for one in told)


def test_messages_come_between_polls() -> None:
    """As any state does: nobody saw when it changed."""
    told = messages(story("", (4, page(after=0)), (8, page(JOINED, after=0)), (12, page(HELLO, after=1))))

    assert [(one.at_us, one.gap_us) for one in told] == [(at(6), 0), (at(10), 4_000_000)]


def test_end_is_told_without_lines() -> None:
    told = messages(story("", (4, page(after=0, state="DISCONNECTED")), (5, page(after=0, state="DISCONNECTED"))))

    assert [json.loads(one.raw)["data"]["message"]["chatIxnState"] for one in told] == ["DISCONNECTED"]
    assert told[0].position is None


def test_chat_that_was_told_all_the_same_is_told_once() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode(), takes_s=0)
    tape.ask(1, "POST", CHAT_PATH, "", page(after=0, state="CONNECTED"), takes_s=0)
    tape.open_comet(2)
    tape.poll(3, 1, frame(1, JOINED))
    tape.ask(5, "POST", REFRESH, "", page(JOINED, after=0), takes_s=0)
    (compiled,) = compile_stories(tape.recording())

    assert [one.is_derived for one in messages(compiled)] == [False]


@pytest.mark.parametrize("said", ["notify_by=comet", "notify_by=COMET"])
def test_who_heard_over_comet_is_told_nothing_more(said: str) -> None:
    assert messages(story(said, (4, page(JOINED, after=0)))) == ()
