import asyncio

import pytest

from gms_replay.simulator.chance import Chance
from gms_replay.simulator.clock import SECOND_US
from gms_replay.simulator.services import Reason, Service, State
from gms_replay.simulator.tasks import Tasks
from gms_replay.simulator.waiting import Waiting


class Loop(asyncio.SelectorEventLoop):
    """A loop whose time jumps over every delay, and a clock that goes by it."""

    def __init__(self):
        super().__init__()
        self.jumped_s = 0.0

    def time(self):
        return super().time() + self.jumped_s

    def now_us(self):
        return round(self.time() * SECOND_US)

    def call_later(self, delay, callback, *args, context=None):
        def jump():
            self.jumped_s = max(self.jumped_s, at_s - super(Loop, self).time())
            callback(*args)

        at_s = self.time() + delay
        return self.call_soon(jump)


class Scene:
    """A queue in a loop whose time jumps, and the services that it woke."""

    def __init__(self, loop, seed=7):
        self.now_us = loop.now_us
        self.tasks = Tasks()
        self.woken = asyncio.Queue()
        self.waiting = Waiting(self.tasks, Chance(seed, quick=False), self.now_us, self.woken.put_nowait)

    def enter(self, number=1, waits=True, in_s=0.0):
        service = Service(str(number), "samples", number, {}, self.now_us() + round(in_s * SECOND_US), waits=waits)
        self.waiting.enter(service)
        return service


@pytest.fixture
def play():
    def run(act, seed=7):
        async def whole():
            scene = Scene(asyncio.get_running_loop(), seed)
            try:
                return await act(scene)
            finally:
                await scene.tasks.close()

        with asyncio.Runner(loop_factory=Loop) as runner:
            return runner.run(whole())

    return run


def test_places_move_by_themselves(play):
    async def act(scene):
        service = scene.enter()
        began_us, first = scene.now_us(), scene.waiting.told(service)
        assert await scene.woken.get() is service
        return service, first, scene.waiting.told(service), (scene.now_us() - began_us) / SECOND_US

    service, first, last, took_s = play(act)
    place = int(first["_position"])
    assert 2 <= place <= 5
    assert list(first) == ["_position", "_eta", "_total_waiting"]
    assert (first["_eta"], int(first["_total_waiting"]) - place) == (str(place * 6), service.behind)
    assert 0.7 * place * 6 <= took_s <= 1.31 * place * 6
    assert (service.state, last) == (
        State.ROUTING,
        {"_position": "0", "_eta": "0", "_total_waiting": str(service.behind)},
    )


def test_looking_moves_nothing(play):
    async def act(scene):
        service = scene.enter()
        return {scene.waiting.told(service)["_position"] for _ in range(20)}

    assert len(play(act)) == 1


def test_who_waits_not_is_connected(play):
    async def act(scene):
        one, other = scene.enter(1, waits=False), scene.enter(2)
        while State.QUEUED in (one.state, other.state):
            await asyncio.sleep(1)
        return one, scene.woken.qsize()

    service, woken = play(act)
    assert (service.state, service.reason, woken) == (State.COMPLETED, Reason.CONNECTED, 1)


def test_appointments_wait_for_their_time(play):
    async def act(scene):
        service = scene.enter(in_s=3600.0)
        began_us, state, told = scene.now_us(), service.state, scene.waiting.told(service)
        await scene.woken.get()
        return state, told, (scene.now_us() - began_us) / SECOND_US

    state, told, took_s = play(act)
    assert (state, int(told["_eta"]) >= 3600, took_s >= 3600) == (State.SCHEDULED, True, True)


def test_moved_appointments_wake_once(play):
    async def act(scene):
        service = scene.enter(in_s=60.0)
        service.desired_us += 7200 * SECOND_US
        scene.waiting.enter(service)
        began_us = scene.now_us()
        await scene.woken.get()
        took_s = (scene.now_us() - began_us) / SECOND_US
        await asyncio.sleep(7200)
        return took_s, scene.woken.qsize()

    took_s, more = play(act)
    assert (took_s >= 7200, more) == (True, 0)


def test_snooze_takes_five_minutes(play):
    async def act(scene):
        service = scene.enter()
        await scene.woken.get()
        service.expires_us = scene.now_us()
        began_us = scene.now_us()
        scene.waiting.snooze(service)
        state, told, expires_us = service.state, scene.waiting.told(service), service.expires_us
        assert await scene.woken.get() is service
        return state, told, expires_us, (scene.now_us() - began_us) / SECOND_US

    state, told, expires_us, took_s = play(act)
    assert (state, told["_eta"], expires_us) == (State.QUEUED, "300", None)
    assert 200 < took_s < 400


def test_snooze_while_waiting_waits_on(play):
    async def act(scene):
        service = scene.enter(waits=False)
        place = service.position
        scene.waiting.snooze(service)
        assert (service.position, service.turn) == (place, 1)
        return await scene.woken.get() is service

    assert play(act)


@pytest.mark.parametrize(("end", "reason"), [("connect", Reason.CONNECTED), ("cancel", Reason.CANCELLED)])
def test_ended_services_are_not_woken(play, end, reason):
    async def act(scene):
        one = scene.enter(1)
        getattr(scene.waiting, end)(one)
        await asyncio.sleep(7200)
        return one, scene.waiting.told(one)["_position"], scene.woken.qsize()

    service, place, woken = play(act)
    assert (service.state, service.reason, place, woken) == (State.COMPLETED, reason, "0", 0)


def test_seeds_repeat_the_queue(play):
    async def act(scene):
        services = [scene.enter(number) for number in range(1, 6)]
        places = [(service.position, service.behind) for service in services]
        return places, [(await scene.woken.get()).number for _ in services]

    assert play(act) == play(act)
    assert play(act)[0] != play(act, seed=8)[0]
