"""What holds of every story and every app: instants, delivery, totality, determinism.

Stories and apps are drawn; what is expected is read off the recorded texts with the standard library alone.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import factories
from drawn import ACTS, CALENDAR_FIELDS, CHANNELS, EVENT_FIELDS, Act, recorded_acts, recordings
from driver import NOW_US, App, Driver
from factories import AVAILABILITY, CALLBACK, CHAT_DIALOG, CHAT_PATH, MENU, ORDER, QUEUE
from hypothesis import given, settings
from hypothesis import strategies as st

from gms_replay.clocks import Pacing
from gms_replay.events import Asked
from gms_replay.model import Recording
from gms_replay.player import Player
from gms_replay.story import compile_stories
from gms_replay.timeline import Shift

quick = settings(max_examples=40)

# Apps


@dataclass
class Behaviour:
    """What an app does: steps with the pause in seconds before each."""

    steps: list[tuple[float, str, int]] = field(default_factory=list)


ALL_STEPS = ("act", "act", "listen", "drop", "lose", "shake", "leave", "slots", "queue", "retry", "second")
POLLING_STEPS = ("act", "act", "listen", "drop", "lose", "lose", "lose", "shake", "leave", "second")


@st.composite
def behaviours(draw: st.DrawFn, steps: tuple[str, ...] = ALL_STEPS) -> Behaviour:
    pauses = st.sampled_from([0.0, 0.0, 0.0, 0.3, 1.0, 4.0, 12.0, 100.0])
    step = st.tuples(pauses, st.sampled_from(steps), st.integers(0, 9))
    return Behaviour(draw(st.lists(step, min_size=2, max_size=12)))


class Rambler:
    """An app that behaves so; what it was told ends up in `app.heard` and `bodies`."""

    def __init__(self, recording: Recording, now_us: int | None, shift: Shift) -> None:
        self.app = App(Driver(Player(compile_stories(recording), Pacing(now_us=now_us, shift=shift))))
        self.acts = [act for act, _ in recorded_acts(recording)]
        self.asked: list[int] = []
        self.done: list[tuple[str, float]] = []

    def run(self, behaviour: Behaviour) -> None:
        app = self.app
        app.call("POST", CALLBACK, ORDER)
        self.asked.append(app.driver.asked)
        self._shake()
        for pause_s, step, number in behaviour.steps:
            app.driver.wait(pause_s)
            getattr(self, f"_{step}")(number)
        self._live()
        app.listen(600)

    def _shake(self, _: int = 0) -> None:
        self._collect(drop=True)
        self.app.shake_hands()
        self.app.subscribe(["/_genesys", "/*"])

    def _leave(self, number: int) -> None:
        self._collect(drop=True)
        self.app.bayeux(self.app.meta("disconnect"))
        self._shake()

    def _act(self, number: int) -> None:
        if self.acts:
            self._do(self.acts[number % len(self.acts)])

    def _retry(self, number: int) -> None:
        if self.acts:
            act = self.acts[number % len(self.acts)]
            self._do(act)
            self.app.driver.wait(number % 4)
            self.app.driver.hang_up(self.asked[-1])
            self.asked.append(self.app.ask(*act))

    def _do(self, act: Act) -> None:
        self.done.append((ACTS[act], self.app.seconds))
        self.asked.append(self.app.ask(*act))

    def _slots(self, _: int) -> None:
        self.asked.append(self.app.ask("GET", AVAILABILITY))

    def _queue(self, _: int) -> None:
        self.asked.append(self.app.ask("GET", QUEUE))

    def _listen(self, number: int) -> None:
        self._live()
        self.app.listen(number * 3, pause_s=number % 3)

    def _drop(self, number: int) -> None:
        self._live()
        self.app.listen(number / 2)
        self._collect(drop=True)

    def _lose(self, number: int) -> None:
        """A poll whose answer the app never gets, whenever it was sent."""
        self._live()
        self._collect(drop=True)
        poll = self.app.connect()
        self.app.driver.wait(number * 3, lambda: poll in self.app.driver.answers)
        self.app.driver.hang_up(poll)

    def _second(self, number: int) -> None:
        """A second poll while one is held."""
        self._live()
        first = self.app.connect()
        second = self.app.connect()
        self.app.driver.wait(number)
        for poll in (first, second):
            if poll in self.app.driver.answers:
                self.app.hear(self.app.driver.answers[poll])
            else:
                self.app.driver.hang_up(poll)

    def _live(self) -> None:
        """The app goes on with its client, or with a new one if the server dropped it."""
        self._collect(drop=True)
        poll = self.app.connect(advice={"timeout": 0})
        answer = self.app.driver.wait_for(poll)
        if b"402::session_unknown" in answer.body:
            self._shake()
        else:
            self.app.hear(answer)

    def _collect(self, *, drop: bool) -> None:
        held, self.app.polling = self.app.polling, None
        if held is None:
            return
        if held in self.app.driver.answers:
            self.app.hear(self.app.driver.answers[held])
        else:
            self.app.driver.hang_up(held)

    @property
    def texts(self) -> Iterator[dict[str, Any]]:
        """All that the app was told; nothing of the requests that miss."""
        answered = [self.app.driver.answers[asked] for asked in self.asked if asked in self.app.driver.answers]
        yield from (json.loads(answer.body) for answer in answered if answer.status == 200)
        yield from (message["data"] for _, message in self.app.heard)


def rambled(
    recording: Recording, behaviour: Behaviour, now_us: int | None = None, shift: Shift = Shift.EXACT
) -> Rambler:
    rambler = Rambler(recording, now_us, shift)
    rambler.run(behaviour)
    return rambler


# Instants


@dataclass(frozen=True)
class Told:
    """An instant with its class, as recorded and as told; the notations are equally fine, `grain_us`."""

    sort: str
    recorded_us: int
    told_us: int
    grain_us: int


def read(text: str) -> tuple[int, int]:
    if text.isdigit():
        return int(text) * 1000, 1000
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1), 1000 if "." in text else 1_000_000


def compared(sort: str, recorded: str, told: str) -> Told:
    (recorded_us, grain_us), (told_us, told_grain_us) = read(recorded), read(told)
    assert grain_us == told_grain_us, f"{recorded} lost its notation: {told}"
    return Told(sort, recorded_us, told_us, grain_us)


def pairs(recorded: dict[str, Any], told: dict[str, Any]) -> Iterator[Told]:
    """The instants of a text, by their place."""
    for (key, value), (told_key, told_value) in zip(recorded.items(), told.items(), strict=True):
        if key in EVENT_FIELDS:
            yield compared("event", value, told_value)
        elif key in CALENDAR_FIELDS:
            yield compared("calendar", value, told_value)
        elif isinstance(value, dict):
            yield from pairs(value, told_value)
        elif key != told_key:
            yield compared("calendar", key, told_key)


def recorded_texts(recording: Recording) -> dict[int, dict[str, Any]]:
    bodies = [exchange.response.body.plain for exchange in recording.exchanges if exchange.response]
    found = [json.loads(body) for body in bodies if body.startswith(b"{")]
    events = [json.loads(message.raw) for message in recording.messages]
    return {text["number"]: text for text in [*found, *(event["data"] for event in events if "data" in event)]}


def assert_ordered(some: Iterable[Told]) -> None:
    """Told in the order of the recorded; a coarse notation says nothing below its grain."""
    for one, other in combinations(sorted(some, key=lambda told: told.recorded_us), 2):
        grain_us = max(one.grain_us, other.grain_us)
        if one.recorded_us < other.recorded_us:
            assert one.told_us // grain_us <= other.told_us // grain_us, (one, other)
        elif one.sort == other.sort:
            assert one.told_us // grain_us == other.told_us // grain_us, (one, other)


@quick
@given(recordings(), behaviours(), st.none() | st.integers(-5000, 5000), st.sampled_from(Shift))
def test_instants_keep_order(recording: Recording, behaviour: Behaviour, now_s: int | None, shift: Shift) -> None:
    """No instant is told two ways, and none out of order inside a message or a class."""
    texts = recorded_texts(recording)
    rambler = rambled(recording, behaviour, None if now_s is None else NOW_US + now_s * 1_000_000, shift)
    messages = [list(pairs(texts[told["number"]], told)) for told in rambler.texts]

    for message in messages:
        assert_ordered(message)
    for sort in ("event", "calendar"):
        assert_ordered({told for message in messages for told in message if told.sort == sort})


@quick
@given(recordings(), behaviours())
def test_slots_keep_their_weekday(recording: Recording, behaviour: Behaviour) -> None:
    texts = recorded_texts(recording)
    rambler = rambled(recording, behaviour, shift=Shift.WEEKS)
    told = [one for text in rambler.texts for one in pairs(texts[text["number"]], text) if one.sort == "calendar"]

    (shift_us,) = {one.told_us - one.recorded_us for one in told} or {0}
    assert shift_us % (7 * 86_400_000_000) == 0


@quick
@given(recordings(), behaviours(), st.sampled_from(Shift))
def test_no_shift_tells_as_recorded(recording: Recording, behaviour: Behaviour, shift: Shift) -> None:
    """A session that starts when the recorded one did, for the app, is told instants byte for byte."""
    texts = recorded_texts(recording)
    (story,) = compile_stories(recording)

    for told in rambled(recording, behaviour, story.start_us, shift).texts:
        assert json.dumps(told) == json.dumps(texts[told["number"]])


@quick
@given(recordings(), behaviours())
def test_elapsed_never_decreases(recording: Recording, behaviour: Behaviour) -> None:
    texts = recorded_texts(recording)
    lines = [
        (
            int(texts[told["number"]]["message"]["transcriptToShow"][0][3]),
            int(told["message"]["transcriptToShow"][0][3]),
        )
        for told in rambled(recording, behaviour).texts
        if "message" in told
    ]

    assert [told for _, told in sorted(lines)] == sorted(told for _, told in lines)
    assert len({recorded for recorded, _ in lines}) == len(set(lines))
    assert all(told >= 0 for _, told in lines)


@quick
@given(recordings(), behaviours(), behaviours())
def test_pinned_texts_ignore_pace(recording: Recording, one: Behaviour, other: Behaviour) -> None:
    def told(behaviour: Behaviour) -> dict[int, dict[str, Any]]:
        return {text["number"]: text for text in rambled(recording, behaviour, NOW_US).texts}

    first, second = told(one), told(other)

    common = first.keys() & second.keys()
    assert {number: first[number] for number in common} == {number: second[number] for number in common}


# Delivery


@quick
@given(recordings(), behaviours(POLLING_STEPS))
def test_all_arrives_once_in_order(recording: Recording, behaviour: Behaviour) -> None:
    events = [json.loads(message.raw) for message in recording.messages]
    heard = [message for _, message in rambled(recording, behaviour).app.heard]

    for channel in CHANNELS:
        assert [message["data"]["number"] for message in heard if message["channel"] == channel] == [
            event["data"]["number"] for event in events if event["channel"] == channel
        ]


@quick
@given(recordings(), behaviours(("act", "retry", "retry", "listen", "lose")))
def test_nothing_comes_before_its_acts(recording: Recording, behaviour: Behaviour) -> None:
    """Until an act is given up, a message comes no sooner after an act than it was recorded after it."""
    rambler = rambled(recording, behaviour)
    driver = rambler.app.driver
    notes = zip(driver.notes, driver.noted_at_us, strict=True)
    given_up_us = min((at_us for note, at_us in notes if "went on without" in note), default=driver.now_us)
    events = [message for message in recording.messages if b'"data"' in message.raw]
    recorded_us = {json.loads(event.raw)["data"]["number"]: event.at_us for event in events}

    for heard_s, message in rambler.app.heard:
        if NOW_US + heard_s * 1_000_000 >= given_up_us:
            break
        at_us = recorded_us[message["data"]["number"]]
        for kind in set(ACTS.values()):
            before = sorted(asked_us for act, asked_us in recorded_acts(recording) if ACTS[act] == kind)
            before = [asked_us for asked_us in before if asked_us <= at_us]
            if before:
                done_s = [done_s for done, done_s in rambler.done if done == kind][len(before) - 1]
                assert heard_s - done_s >= (at_us - before[-1]) / 1_000_000 - 1e-6


# Determinism


@quick
@given(recordings(), behaviours(), st.none() | st.just(NOW_US + 5))
def test_equal_inputs_equal_bytes(recording: Recording, behaviour: Behaviour, now_us: int | None) -> None:
    one, other = (rambled(recording, behaviour, now_us).app.driver for _ in range(2))

    assert (one.answers, one.answered_at_us, one.notes) == (other.answers, other.answered_at_us, other.notes)


# Totality


targets = st.sampled_from(
    [
        AVAILABILITY,
        CALLBACK,
        f"{CALLBACK}?operand=AND&a=%ff%zz",
        QUEUE,
        MENU,
        CHAT_DIALOG,
        f"{CHAT_PATH}/send",
        f"{CHAT_PATH}/refresh?transcriptPosition=1",
        "/~s1~/genesys/cometd",
        "/~s7~//genesys/cometd/connect",
        "/2/chat/sales/a/b",
        f"/3/device/{factories.TOKEN}",
        "/3/device/",
        "/v1/projects/a/messages:send",
        "/fcm/send",
        "*",
        "",
    ]
) | st.text(st.characters(max_codepoint=255), max_size=40)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=12)
    | st.sampled_from(["4z1kz6bu5k1ewpj0h6dv1xkaa", "2014-05-02T16:30:00.000Z", "long-polling"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
channels = st.sampled_from(
    [
        "/meta/handshake",
        "/meta/connect",
        "/meta/subscribe",
        "/meta/unsubscribe",
        "/meta/disconnect",
        "/meta/x",
        "/a",
        "",
    ]
)
odd_messages = st.fixed_dictionaries(
    {"channel": channels | json_values},
    optional={
        "clientId": json_values,
        "id": json_values,
        "subscription": json_values,
        "advice": json_values,
        "supportedConnectionTypes": json_values,
        "data": json_values,
    },
)
frames = st.lists(odd_messages, max_size=4).map(lambda messages: json.dumps(messages).encode())
bodies = (
    st.binary(max_size=60)
    | frames
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.sampled_from(
        [
            json.dumps(ORDER).encode(),
            b"message=%ff&&=",
            b"--b\r\n\r\n--b--",
            b'--b\r\nContent-Disposition: form-data; name="\r\n\r\nx',
        ]
    )
)
texts = st.text(st.characters(max_codepoint=255), max_size=30)
header_names = st.sampled_from(["Host", "gms_user", "content-type", "Accept-Encoding", "cookie"]) | texts
content_types = st.sampled_from(
    ["multipart/form-data; boundary=b", "multipart/form-data", "multipart/;", "application/json"]
)
header_lists = st.lists(st.tuples(header_names, texts | content_types), max_size=4).map(tuple)


@st.composite
def requests(draw: st.DrawFn) -> Asked:
    return Asked(
        method=draw(st.sampled_from(["GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD"]) | texts),
        scheme=draw(st.sampled_from(["http", "https"])),
        target=draw(targets),
        headers=draw(header_lists),
        body=draw(bodies),
        peer=draw(st.sampled_from(["", "::1", "192.0.2.1"])),
        forwarded_prefix=draw(st.sampled_from(["", "/stage"])),
    )


happenings = st.tuples(
    st.sampled_from(["ask", "ask", "ask", "gone", "wait", "connect"]), requests(), st.integers(0, 40)
)


@settings(quick, max_examples=120)
@given(st.lists(happenings, max_size=12))
def test_any_request_is_answered_once(steps: list[tuple[str, Asked, int]]) -> None:
    """Nothing raises; what is not answered in the end is a poll that the app asked to be held long, or hung up."""
    driver = Driver(Player(STORIES))
    app = App(driver)
    app.call("POST", CALLBACK, ORDER)
    app.shake_hands()
    gone: set[int] = set()
    for step, asked, number in steps:
        if step == "ask":
            driver.arrive(asked)
        elif step == "gone":
            gone.add(number)
            driver.hang_up(number)
        elif step == "connect":
            app.connect()
        else:
            driver.wait(number)
    driver.wait(86_500)

    assert set(range(1, driver.asked + 1)) - gone <= driver.answers.keys()


STORIES = compile_stories(factories.visit())
