"""An app that asks by `/refresh` gets the lines that it lacks, however the recorded app was told them; and back."""

import json
from typing import Any

import factories
import pytest
from driver import App, Driver, begin, begin_chat, send, start
from factories import (
    CALLBACK,
    CHAT,
    CHAT_PATH,
    HELLO,
    JOINED,
    LEFT,
    ORDER,
    REFRESH,
    REPLY,
    SERVICE,
    THANKS,
    WRITES,
    Tape,
)
from hypothesis import given
from hypothesis import strategies as st

from gms_replay.clocks import Clock, Pacing
from gms_replay.model import Recording
from gms_replay.player import Player
from gms_replay.story import compile_stories

LINES = [json.loads(line) for line in (JOINED, HELLO, WRITES, REPLY, THANKS, LEFT)]


def app(recording: Recording | None = None, clock: Clock = Clock.REAL, user: str = "bob@example.com") -> App:
    stories = compile_stories(recording or factories.visit())
    return App(Driver(Player(stories, Pacing(clock=clock))), user)


def refresh(at: App, after: int, path: str = REFRESH) -> dict[str, Any]:
    answer = at.call("POST", path, f"transcriptPosition={after}")
    assert answer.status == 200, answer.body
    told: dict[str, Any] = json.loads(answer.body)
    return {"transcriptToShow": []} | told


def page(*lines: str, after: int = 0, state: str = "TRANSCRIPT") -> str:
    """An answer of a chat's, by REST."""
    return json.dumps(
        {
            "startedAt": "2014-05-02T16:27:30Z",
            "chatIxnState": state,
            "chatSessionId": CHAT,
            "transcriptToShow": [json.loads(line) for line in lines],
            "transcriptPosition": str(after + len(lines)),
        }
    )


def polled() -> Recording:
    """A chat of which the app was told by `/refresh` only."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode(), takes_s=0)
    tape.ask(1, "POST", CHAT_PATH, "firstName=Stan", page(state="CONNECTED"), takes_s=0)
    for at_s, asked, after, lines in (
        (4, REFRESH, 0, (JOINED,)),
        (6, REFRESH, 1, ()),
        (7, factories.SEND, 1, (HELLO,)),
        (10, REFRESH, 2, (WRITES, REPLY)),
    ):
        said = f"transcriptPosition={after}" if asked == REFRESH else "message=Hello."
        tape.ask(at_s, "POST", asked, said, page(*lines, after=after), takes_s=0)
    tape.ask(14, "POST", REFRESH, "transcriptPosition=4", page(LEFT, after=4, state="DISCONNECTED"), takes_s=0)
    return tape.recording()


def test_lines_recorded_over_comet_are_refreshed() -> None:
    bob = app()
    begin(bob)
    told = []
    for at_s, after in ((16, 0), (19, 0), (23, 1)):
        bob.wait_until(at_s)
        told.append(refresh(bob, after)["transcriptToShow"])

    assert [[line[2] for line in lines] for lines in told] == [[], ["has joined the session"], []]


def test_refresh_waits_for_acts() -> None:
    """As messages do: nobody is told of what the app has not brought about."""
    bob = app()
    begin(bob)
    bob.wait_until(60)
    assert len(refresh(bob, 0)["transcriptToShow"]) == 1

    send(bob, "Hello.")
    bob.wait_until(90)
    told = refresh(bob, 1)

    assert [line[2] for line in told["transcriptToShow"]] == ["Hello.", "is typing", "How may I help?"]
    assert told["transcriptPosition"] == "4"


@given(st.lists(st.floats(0.5, 12), max_size=12))
def test_any_rhythm_tells_every_line_once(pauses: list[float]) -> None:
    """And in order; the last answer says that the chat is over."""
    bob = app()
    begin(bob)
    told: list[Any] = []

    def ask() -> dict[str, Any]:
        page = refresh(bob, len(told))
        told.extend(page["transcriptToShow"])
        return page

    for at_s, act in ((20, "send"), (30, "send"), (40, "disconnect")):
        while bob.seconds < at_s:
            bob.driver.wait(pauses.pop() if pauses else 60)
            ask()
        bob.call("POST", f"{CHAT_PATH}/{act}", "message=x" if act == "send" else "")
    bob.driver.wait(60)
    last = ask()

    assert [line[:3] for line in told] == [line[:3] for line in LINES]
    assert last["chatIxnState"] == "DISCONNECTED"


def test_one_call_tells_what_ten_tell() -> None:
    bob = app()
    begin(bob)
    send(bob, "Hello.")
    send(bob, "Thanks.")
    bob.call("POST", f"{CHAT_PATH}/disconnect")
    bob.driver.wait(90)

    whole = refresh(bob, 0)["transcriptToShow"]

    assert len(whole) == 6
    for after in range(7):
        assert refresh(bob, after)["transcriptToShow"] == whole[after:]


def test_who_hears_over_comet_may_refresh_too() -> None:
    """And is told the same instants."""
    bob = app()
    begin_chat(bob)
    bob.listen(5)

    told = refresh(bob, 0)

    assert told["transcriptToShow"] == bob.heard[0][1]["data"]["message"]["transcriptToShow"]
    assert told["startedAt"] == bob.heard[0][1]["data"]["message"]["startedAt"]


def test_recorded_refresh_is_told_as_it_was() -> None:
    """Byte for byte, to an app that asks as the recorded one did."""
    recording = polled()
    bob = App(Driver(Player(compile_stories(recording), Pacing(now_us=factories.START_US))), "bob@example.com")
    start(bob)
    bob.wait_until(1)
    bob.call("POST", CHAT_PATH, "firstName=Stan")
    bob.wait_until(4)

    answer = bob.call("POST", REFRESH, "transcriptPosition=0")

    assert answer.body == page(JOINED).encode()


def test_other_positions_than_recorded_lose_nothing() -> None:
    bob = app(polled())
    start(bob)
    bob.call("POST", CHAT_PATH, "firstName=Stan")
    send(bob, "Hello.")
    bob.wait_until(60)

    assert [line[2] for line in refresh(bob, 0)["transcriptToShow"]] == [
        "has joined the session", "Hello.", "is typing", "How may I help?", "has left the session",
    ]  # fmt: skip
    assert [line[2] for line in refresh(bob, 3)["transcriptToShow"]] == ["How may I help?", "has left the session"]


@pytest.mark.parametrize("clock", list(Clock))
def test_lines_recorded_by_refresh_are_told_over_comet(clock: Clock) -> None:
    """One message for each news, in GMS's own shape; `notify_by` is no other request."""
    bob = app(polled(), clock)
    start(bob)
    bob.call("POST", CHAT_PATH, "firstName=Stan&notify_by=comet")
    bob.shake_hands()
    bob.subscribe()
    bob.listen(4)
    send(bob, "Hello.")
    bob.listen(20 if clock is Clock.REAL else 0)

    assert bob.lines[0] == "has joined the session"
    told = [message["data"]["message"] for _, message in bob.heard]
    if clock is Clock.REAL:
        assert bob.lines[1:] == ["Hello.", "is typing", "How may I help?", "has left the session"]
        assert [page["transcriptPosition"] for page in told] == ["1", "2", "4", "5"]
        assert told[-1]["chatIxnState"] == "DISCONNECTED"
    assert {message["data"]["tag"] for _, message in bob.heard} == {f"service.chat.refresh.{SERVICE}"}
    assert len({message["data"]["id"] for _, message in bob.heard}) == len(bob.heard)


def test_virtual_clock_jumps_to_news() -> None:
    bob = app(clock=Clock.VIRTUAL)
    begin(bob)
    send(bob, "Hello.")
    began_us, told = bob.driver.now_us, []
    for _ in range(8):
        told += refresh(bob, len(told))["transcriptToShow"]

    assert bob.driver.now_us == began_us
    assert [line[2] for line in told] == [line[2] for line in LINES[:4]]


def test_further_session_is_told_its_own_ids() -> None:
    ann = app(user="ann")
    begin(ann)
    ben = App(ann.driver, "ben")
    service = start(ben)
    path = CHAT_PATH.replace(SERVICE, service)
    for dialog in (factories.MENU, factories.CHAT_DIALOG):
        ben.call("POST", dialog.replace(SERVICE, service))
    ben.call("POST", path, "notify_by=comet&firstName=Ben&_verbose=true")
    ben.driver.wait(20)

    told = refresh(ben, 0, f"{path}/refresh")

    assert len(told["transcriptToShow"]) == 1
    assert told["chatSessionId"] != CHAT
