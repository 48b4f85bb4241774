import asyncio

from gms_replay.simulator.cast import ARTICLE
from gms_replay.simulator.chance import Chance
from gms_replay.simulator.chat import Kind
from gms_replay.simulator.clock import wall_us
from gms_replay.simulator.reception import Reception
from gms_replay.simulator.tasks import Tasks


def agents(seed, count=2):
    """The numbers of chats that begin one after another, and who answers them."""

    async def scene():
        tasks = Tasks()
        reception = Reception(Chance(seed, quick=True), tasks, wall_us)
        chats = [reception.open("Stan") for _ in range(count)]
        for chat, _ in chats:
            arrived = asyncio.Event()
            chat.listen(lambda after, arrived=arrived: arrived.set())
            await arrived.wait()
        await tasks.close()
        return [(number, chat.lines[1].kind, chat.lines[1].party.nickname) for chat, number in chats]

    return asyncio.run(scene())


def test_every_chat_gets_an_agent():
    assert agents(None) == [(1, Kind.JOINED, ARTICLE.agent), (2, Kind.JOINED, ARTICLE.agent)]


def test_agents_are_the_seeds():
    first, again, other = agents(7), agents(7), agents(8)
    assert first == again != other
    assert first[0][2] != first[1][2]


def test_sources_go_by_name_and_number():
    reception = Reception(Chance(7, quick=True), Tasks(), wall_us)
    drawn = [reception.source(what, number).random() for what, number in (("a", 1), ("a", 1), ("a", 2), ("b", 1))]
    assert (drawn[0] == drawn[1], len(set(drawn))) == (True, 3)
