"""The virtual clock: what holds of every story that is told by it."""

from drawn import CHANNELS, Act, recorded_acts, recorded_numbers, recordings
from driver import NOW_US, App, Driver, start
from factories import QUEUE, SERVICE
from hypothesis import given, settings
from hypothesis import strategies as st

from gms_replay.acts import MissingAct
from gms_replay.clocks import Clock, Pacing
from gms_replay.model import Recording
from gms_replay.player import Player
from gms_replay.story import compile_stories

quick = settings(max_examples=40)
PINNED_US = NOW_US + 86_400_000_000
steps = st.lists(st.tuples(st.sampled_from(["act", "poll", "poll", "queue"]), st.integers(0, 9)), max_size=12)
pauses = st.lists(st.sampled_from([0, 0.3, 40, 4000]), min_size=12, max_size=12)


def virtual(recording: Recording) -> Driver:
    pacing = Pacing(now_us=PINNED_US, clock=Clock.VIRTUAL, missing_act=MissingAct.WAIT)
    return Driver(Player(compile_stories(recording), pacing))


class Visitor(App):
    """An app that has started, and listens."""

    def __init__(self, driver: Driver, user: str) -> None:
        super().__init__(driver, user)
        self.service = start(self)
        self.comet_path = f"/~s{len(driver.player.sessions)}/genesys/cometd"
        self.shake_hands()
        self.subscribe(["/_genesys", "/*"])

    def take(self, step: str, number: int, acts: list[Act]) -> int | None:
        """Takes a step, and tells the request's id; None where there is nothing to do."""
        if step == "poll":
            return self.connect()
        if step == "act" and not acts:
            return None
        method, target, body = ("GET", QUEUE, b"") if step == "queue" else acts[number % len(acts)]
        return self.ask(method, target.replace(SERVICE, self.service), body)


@quick
@given(recordings(), steps, pauses, pauses)
def test_equal_requests_get_equal_bytes(
    recording: Recording, taken: list[tuple[str, int]], one: list[float], other: list[float]
) -> None:
    """Of a named session, headers included: however long the app thinks, and whoever plays beside it."""

    def told(paused: list[float], beside: bool) -> list[tuple[int, object, bytes] | None]:
        driver, acts = virtual(recording), [act for act, _ in recorded_acts(recording)]
        ann = Visitor(driver, "ann")
        ben = Visitor(driver, "ben") if beside else None
        asked: list[int] = []
        for (step, number), pause_s in zip(taken, paused, strict=False):
            driver.wait(pause_s)
            if ben:
                ben.take(step, number + 1, acts)
            if (request_id := ann.take(step, number, acts)) is not None:
                asked.append(request_id)
        answers = (driver.answers.get(request_id) for request_id in asked)
        return [answer and (answer.status, answer.headers, answer.body) for answer in answers]

    assert told(one, beside=False) == told(other, beside=True)


@quick
@given(recordings())
def test_story_is_told_without_waiting(recording: Recording) -> None:
    """An app that does what was recorded, as soon as it knows of nothing else to do, hears all within no time."""
    driver = virtual(recording)
    app = Visitor(driver, "ann")
    began_us = driver.now_us
    acts = iter([act for act, _ in recorded_acts(recording)])

    for _ in range(50):
        app.listen(0)
        if app.polling is not None and (act := next(acts, None)) is not None:
            app.call(*act)

    assert driver.now_us == began_us
    assert numbers(app) == recorded_numbers(recording)


def numbers(app: App) -> dict[str, list[int]]:
    heard = [message for _, message in app.heard]
    return {
        channel: [message["data"]["number"] for message in heard if message["channel"] == channel]
        for channel in CHANNELS
    }
