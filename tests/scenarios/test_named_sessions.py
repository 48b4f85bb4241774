"""What a named session is told does not depend on who else is there: equal bytes, headers included."""

import factories
import pytest
from driver import NOW_US, App, Driver, begin_chat
from factories import AVAILABILITY, CALLBACK, CHAT_DIALOG, CHAT_PATH, MENU, ORDER, SEND, SERVICE

from gms_replay.clocks import Clock, Pacing
from gms_replay.events import Respond
from gms_replay.player import Player
from gms_replay.story import compile_stories

NAMED = (("gms_session", "alice"),)


def told(others: int, seed: int = 0) -> list[Respond]:
    """All answers that the app of the session `alice` gets, while others come and go between its requests."""
    pacing = Pacing(now_us=NOW_US, clock=Clock.VIRTUAL)
    driver = Driver(Player(compile_stories(factories.visit()), pacing, seed=seed))
    crowd = [App(driver, f"{number}@example.com", peer=f"192.0.2.{number}") for number in range(others)]
    alice = App(driver, "alice@example.com")
    alice.comet_path = "/~alice~/genesys/cometd"
    answers: list[Respond] = []

    def call(method: str, target: str, text: bytes | str | dict[str, str] = b"") -> Respond:
        if crowd:
            begin_chat(crowd.pop())
        answers.append(alice.call(method, target, text, NAMED))
        return answers[-1]

    call("GET", AVAILABILITY)
    service = call("POST", CALLBACK, ORDER).body.decode().split('"')[3]
    for target, text in (
        (MENU, ""),
        (CHAT_DIALOG, ""),
        (CHAT_PATH, "notify_by=comet&firstName=Al&_verbose=true"),
        (SEND, "message=Hi"),
    ):
        call("POST", target.replace(SERVICE, service), text)
    alice.shake_hands()
    alice.subscribe()
    for _ in range(4):
        answers.append(driver.wait_for(alice.connect()))
        for other in crowd[:5]:
            other.call("GET", AVAILABILITY)
    while crowd:
        begin_chat(crowd.pop())
    answers.append(driver.wait_for(alice.connect(advice={"timeout": 0})))
    return [Respond(0, answer.status, answer.headers, answer.body) for answer in answers]


@pytest.mark.parametrize("others", [1, 50])
def test_named_session_is_told_equal_bytes_in_a_crowd(others: int) -> None:
    alone = told(0)

    assert told(others) == alone
    assert any(b"has joined the session" in answer.body for answer in alone)


def test_seed_gives_others() -> None:
    assert told(0, seed=1) != told(0)
