"""A hundred apps on one server, each in its own story, as if it were alone."""

import asyncio
from dataclasses import replace

import httpx
import pytest
from chatting import USER, chat, chat2
from comet_clients import AIOCOMETD
from serving import served
from simulating import simulated

from gms_replay.cassette import reader
from gms_replay.clocks import Pacing
from gms_replay.diff import Transcript, compare
from gms_replay.replay.wall import wall_clock_us
from gms_replay.simulator.settings import Settings

APPS = 100


@pytest.mark.timeout(240)
@pytest.mark.parametrize("visit", [chat, chat2])
def test_hundred_apps_are_told_as_the_live_one(start, program, visit) -> None:
    """Over both transports; half of them share the recorded app's user.

    They are told apart by the URLs that they follow, or, in version 2, by the ids that they show.
    """
    with simulated(Settings(quick=True, seed=4)) as url:
        upstream = httpx.URL(url)
        mitmdump = start("--mode", f"reverse:http://127.0.0.1:{upstream.port}@0").ready()
        base = str(upstream.copy_with(port=mitmdump.ports[0]))
        live = asyncio.run(visit(AIOCOMETD[0], program, base))
        assert mitmdump.end() == 0
    recording = reader.read(mitmdump.cassette)
    now_us = wall_clock_us()

    users = [f"{number}@example.com" if number % 4 > 1 else USER for number in range(APPS)]

    async def all_at_once(base: str):
        names = (AIOCOMETD[number % 2] for number in range(APPS))
        return await asyncio.gather(
            *(visit(name, program, base, user) for name, user in zip(names, users, strict=True))
        )

    with served(recording, Pacing(now_us=now_us)) as server:
        told = asyncio.run(all_at_once(server.base))

    for one, user in zip(told, users, strict=True):
        assert compare(live, as_of_recorded_user(replace(one, started_at_us=now_us), user)).differences == []
    assert server.notes == []
    assert len({one.answers[0].body for one in told}) == len(server.player.sessions) == APPS


def as_of_recorded_user(told: Transcript, user: str) -> Transcript:
    """What an app was told, its own name taken for the recorded app's."""
    answers = (replace(one, body=one.body.replace(user.encode(), USER.encode())) for one in told.answers)
    return replace(told, answers=tuple(answers))
