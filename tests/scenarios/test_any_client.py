"""What holds for every Bayeux client, whatever transport it takes, and however it changes it."""

import json
from dataclasses import dataclass
from typing import Any

from drawn import CHANNELS, Act, recorded_acts, recorded_numbers, recordings
from driver import NOW_US, Driver, start
from factories import CHAT_PATH
from hypothesis import given, settings
from hypothesis import strategies as st
from roaming import VIA, Roamer, Via

from gms_replay.acts import PATIENCE_US
from gms_replay.clocks import Clock, Pacing
from gms_replay.instants import SECOND_US
from gms_replay.model import Recording
from gms_replay.player import Player
from gms_replay.story import compile_stories

quick = settings(max_examples=60)
AT_LAST_S = 600
"""Longer than any drawn story, with all the patience that it may need."""

LONGEST_S = 60
"""How long a drawn story lasts."""

TYPING: tuple[Act, ...] = (("POST", f"{CHAT_PATH}/startTyping", b""), ("POST", f"{CHAT_PATH}/stopTyping", b""))

pauses = st.sampled_from([0.0, 0.0, 0.3, 1.0, 4.0, 12.0])


@dataclass(frozen=True)
class Step:
    """What a client does next, after a pause in seconds."""

    does: str
    via: Via
    number: int
    pause_s: float


DOES = (
    "act",
    "act",
    "type",
    "keep",
    "drop",
    "drop",
    "lose",
    "lose",
    "publish",
    "resubscribe",
    "break",
    "shake",
    "leave",
)
steps = st.lists(
    st.builds(Step, st.sampled_from(DOES), st.sampled_from(VIA), st.integers(0, 9), pauses), min_size=1, max_size=14
)


def opened(
    recording: Recording, via: Via, *, now_us: int | None = None, clock: Clock = Clock.REAL, **options: bool
) -> Roamer:
    pacing = Pacing(now_us=now_us, clock=clock)
    roamer = Roamer(Driver(Player(compile_stories(recording), pacing)), "bob", **options)
    start(roamer)
    roamer.shake(via)
    return roamer


def take(roamer: Roamer, step: Step, acts: list[Act]) -> None:
    driver, via = roamer.driver, step.via
    driver.wait(step.pause_s)
    match step.does:
        case "act" if acts:
            roamer.ask(*acts[step.number % len(acts)])
        case "type":
            roamer.ask(*TYPING[step.number % 2])
        case "publish":
            roamer.exchange(via, {"channel": "/service/x", "data": {}, "clientId": roamer.client_id, "id": "9"})
        case "resubscribe":
            channels = {"subscription": ["/_genesys", "/*"]}
            roamer.exchange(via, roamer.meta("unsubscribe", **channels))
            driver.wait(step.number)
            roamer.exchange(via, roamer.meta("subscribe", **channels))
        case "keep" | "drop" | "lose":
            poll = roamer.poll(via)
            driver.wait(step.number)
            if step.does != "keep":
                getattr(roamer, step.does)(poll)
        case "break":
            roamer.end_socket()
        case "shake" | "leave":
            # What a client that acknowledges had, and did not say, the next one is told again: that one says goodbye.
            if step.does == "leave" or roamer.acks:
                roamer.exchange(via, roamer.meta("disconnect"))
            else:
                # Two clients on open WebSockets are told twice, as two pages are.
                roamer.end_socket()
            roamer.shake(via)
    roamer.collect()


def numbers(roamer: Roamer) -> dict[str, list[int]]:
    return {name: [json.loads(event)["data"]["number"] for event in roamer.events_on(name)] for name in CHANNELS}


@quick
@given(recordings(), st.sampled_from(VIA), st.sampled_from(Clock))
def test_no_story_stalls_beyond_patience(recording: Recording, via: Via, clock: Clock) -> None:
    """An app that does nothing hears all the same: for each act that it leaves out it waits once."""
    roamer = opened(recording, via, clock=clock)
    missing, gaps_s = len(recorded_acts(recording)), 0 if clock is Clock.VIRTUAL else LONGEST_S
    roamer.listen_by(via, gaps_s + missing * (PATIENCE_US / SECOND_US + gaps_s) + 1)

    assert numbers(roamer) == recorded_numbers(recording)


@quick
@given(recordings(), steps, st.sampled_from(VIA), st.sampled_from(Clock), st.booleans(), st.booleans())
def test_nothing_is_lost_or_told_twice(
    recording: Recording, taken: list[Step], last: Via, clock: Clock, acks: bool, confirms: bool
) -> None:
    """Each message arrives once, and in order on its channel, however the client comes and goes."""
    roamer = opened(recording, last, clock=clock, acks=acks, confirms=confirms)
    for step in taken:
        take(roamer, step, [act for act, _ in recorded_acts(recording)])
        roamer.live(step.via)
    roamer.live(last)
    roamer.listen_by(last, AT_LAST_S)

    assert numbers(roamer) == recorded_numbers(recording)


@quick
@given(recordings(), st.lists(st.tuples(pauses, st.integers(0, 9)), max_size=6), st.booleans())
def test_transports_tell_equal_stories(recording: Recording, acted: list[tuple[float, int]], acks: bool) -> None:
    """The same bytes, to apps that act alike."""

    def told(via: Via) -> list[Any]:
        roamer = opened(recording, via, acks=acks)
        acts = [act for act, _ in recorded_acts(recording)]
        for pause_s, number in acted if acts else []:
            roamer.listen_by(via, pause_s)
            roamer.ask(*acts[number % len(acts)])
        roamer.listen_by(via, AT_LAST_S)
        return [roamer.events_on(name) for name in CHANNELS]

    by_polls, by_scripts, by_socket = map(told, VIA)

    assert by_polls == by_scripts == by_socket


@quick
@given(
    recordings(), st.lists(st.tuples(pauses, pauses), min_size=8, max_size=8), st.lists(st.integers(0, 9), max_size=8)
)
def test_pace_and_typing_change_nothing(
    recording: Recording, paused: list[tuple[float, float]], typed: list[int]
) -> None:
    """The same acts, in another pace and with other typing between: the same bytes, where the start is pinned."""
    acts = [act for act, _ in recorded_acts(recording)]

    def told(pace: list[float], typing: list[int]) -> list[list[bytes]]:
        roamer = opened(recording, "long-polling", now_us=NOW_US)
        for place, act in enumerate(acts):
            roamer.listen_by("long-polling", pace[place % len(pace)])
            roamer.ask(*act)
            for number in typing[place : place + 2]:
                roamer.ask(*TYPING[number % 2])
        roamer.listen_by("long-polling", AT_LAST_S)
        return [roamer.events_on(name) for name in CHANNELS]

    one, other = zip(*paused, strict=True)
    assert told(list(one), typed) == told(list(other), [])
