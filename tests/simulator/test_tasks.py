import asyncio

from gms_replay.simulator.tasks import Tasks


def test_tasks_run_by_themselves():
    async def scene():
        done = asyncio.Event()

        async def work():
            done.set()

        Tasks().begin(work())
        await done.wait()

    asyncio.run(scene())


def test_close_leaves_nothing():
    ended = []

    async def work(name):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async def scene():
        tasks = Tasks()
        begun = [tasks.begin(work(name)) for name in "ab"]
        await asyncio.sleep(0)
        await tasks.close()
        return [task.cancelled() for task in begun], len(asyncio.all_tasks())

    assert (asyncio.run(scene()), sorted(ended)) == (([True, True], 1), ["a", "b"])


def test_nothing_begins_after_close():
    async def work():
        raise AssertionError("begun")

    async def scene():
        tasks = Tasks()
        await tasks.close()
        return tasks.begin(work())

    assert asyncio.run(scene()) is None
