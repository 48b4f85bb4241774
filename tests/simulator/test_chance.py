import asyncio

from gms_replay.simulator.cast import ARTICLE
from gms_replay.simulator.chance import Chance


def drawn(chance, *name):
    return chance.source(*name).random()


def test_sources_begin_anew():
    chance = Chance(7, quick=True)
    assert drawn(chance, "queue", 1) == drawn(chance, "queue", 1) == drawn(Chance(7, quick=True), "queue", 1)


def test_names_numbers_seeds_differ():
    chances = (Chance(7, quick=True), Chance(8, quick=True), Chance(None, quick=True), Chance(None, quick=True))
    names = (("queue", 1), ("queue", 11), ("queue", 1, 1), ("chat", 1))
    assert len({drawn(chance, *name) for chance in chances for name in names}) == 16


def test_article_plays_without_seed():
    assert {Chance(None, quick=True).cast(number) for number in range(5)} == {ARTICLE}


def test_seeds_have_casts_of_their_own():
    one, again, other = (Chance(seed, quick=True).cast(1) for seed in (7, 7, 8))
    assert one == again
    assert (one.agent != other.agent, one.greeting != other.greeting) == (True, True)


def test_paces_repeat_by_seed():
    class Loop(asyncio.SelectorEventLoop):
        def __init__(self):
            super().__init__()
            self.delays = []

        def call_later(self, delay, callback, *args, context=None):
            self.delays.append(delay)
            return super().call_later(0, callback, *args, context=context)

    def delay(seed):
        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(Chance(seed, quick=True).pace("queue", 1).pause(1.0))
            return runner.get_loop().delays[0]

    assert delay(7) == delay(7) != delay(8)
