"""Recordings that hypothesis draws: chats with acts, polls, messages, and instants in all notations."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from factories import AVAILABILITY, CALLBACK, CHAT_DIALOG, CHAT_PATH, MENU, ORDER, QUEUE, SERVICE, START_US, Tape
from hypothesis import strategies as st

from gms_replay.model import Recording

EVENT_FIELDS = ("_expires", "startedAt", "timestamp")
CALENDAR_FIELDS = ("_desired_time", "start_time", "end_time")
CHANNELS = ("/_genesys", "/news")
GRID_US = 900_000_000
FIRST_SLOT_US = START_US // GRID_US * GRID_US

Act = tuple[str, str, bytes]

ACTS: dict[Act, str] = {
    ("POST", CHAT_DIALOG, b""): "dialog",
    ("POST", MENU, b""): "dialog",
    ("POST", f"{CHAT_PATH}/send", b"message=a"): "send",
    ("POST", f"{CHAT_PATH}/send", b"message=b"): "send",
    ("POST", f"{CHAT_PATH}/disconnect", b""): "disconnect",
    ("DELETE", f"{CALLBACK}/{SERVICE}", b""): "change",
}


def iso(at_us: int, digits: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
    fraction = f".{moment.microsecond:06}"[: digits + 1] if digits else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


@st.composite
def instants(draw: st.DrawFn) -> dict[str, Any]:
    """Fields with instants from one to two hours around the story's start, often the same in several messages."""
    fields: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(EVENT_FIELDS), unique=True, max_size=3)):
        at_ms = 500 * draw(st.integers(-40, 160) | st.integers(-7200, 7200))
        notation = draw(st.sampled_from(["seconds", "milliseconds", "epoch"]))
        at_us = START_US + at_ms * 1000
        if notation == "seconds":
            fields[name] = iso(at_us // 1_000_000 * 1_000_000, 0)
        else:
            fields[name] = iso(at_us, 3) if notation == "milliseconds" else str(at_us // 1000)
    for name in draw(st.lists(st.sampled_from(CALENDAR_FIELDS), unique=True, max_size=2)):
        fields[name] = iso(FIRST_SLOT_US + draw(st.integers(-4, 8)) * GRID_US, 3)
    return fields


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    """A chat with acts, polls and messages on two channels, within a minute; each text has a number of its own."""
    tape = Tape()
    numbers = count()

    def text(**fields: Any) -> dict[str, Any]:
        return {"number": next(numbers)} | fields | draw(instants())

    tape.ask(0, "GET", AVAILABILITY, b"", text(**{iso(FIRST_SLOT_US + place * GRID_US, 3): 5 for place in (1, 2, 5)}))
    tape.ask(0.1, "POST", CALLBACK, ORDER, text(_id=SERVICE))
    seconds = st.integers(1, 240).map(lambda quarter: quarter / 4)
    for at_s in draw(st.lists(seconds, max_size=5)):
        method, target, asked = draw(st.sampled_from(list(ACTS)))
        tape.ask(at_s, method, target, asked, text(), takes_s=draw(st.sampled_from([0, 2])))
    for at_s in draw(st.lists(seconds, max_size=3)):
        tape.ask(at_s, "GET", QUEUE, b"", text(_position="1"))
    for at_s in sorted(draw(st.lists(seconds, min_size=1, max_size=6))):
        line = ["Message.Text", "Stan", "Hello.", str(draw(st.integers(0, 90))), "CLIENT"]
        chat = {"startedAt": iso(START_US, 0), "transcriptToShow": [line]}
        data = text(tag=f"service.chat.refresh.{SERVICE}", message=chat)
        tape.poll(at_s, 0, json.dumps({"channel": draw(st.sampled_from(CHANNELS)), "data": data}).encode())
    return tape.recording()


def recorded_acts(recording: Recording) -> list[tuple[Act, int]]:
    """The acts of a recording, and when they were asked."""
    requests = [exchange.request for exchange in recording.exchanges]
    asked = [((one.method, one.target, one.body.plain), one.started_at_us + 1000) for one in requests]
    return [(act, at_us) for act, at_us in asked if act in ACTS]


def recorded_numbers(recording: Recording) -> dict[str, list[int]]:
    """The numbers of the messages of a recording, by channel."""
    numbers: dict[str, list[int]] = {channel: [] for channel in CHANNELS}
    for message in recording.messages:
        if message.channel in numbers:
            numbers[message.channel].append(json.loads(message.raw)["data"]["number"])
    return numbers
