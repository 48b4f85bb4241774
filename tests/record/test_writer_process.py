import asyncio
import os
import signal
import sys
from contextlib import suppress

import pytest
from processes import children
from seen import ASKED, ENDED

from gms_replay.cassette.extent import Limits
from gms_replay.cassette.reader import read
from gms_replay.errors import CassetteError
from gms_replay.model import Redaction
from gms_replay.record.protocol import Begin, Begun, Recorded
from gms_replay.record.writer_process import WriterProcess
from gms_replay.redact.wishes import Wish

WAIT_S = 60

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

OFF = Wish(Redaction.OFF)
"""These compare bytes."""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "visit.sqlite"


@pytest.fixture
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    for task in asyncio.all_tasks(loop):
        task.cancel()
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
    loop.close()


@pytest.fixture
def start(path, loop):
    """`start(hear)`: a writer process, closed when the test ends."""
    started = []

    def begin(hear=lambda _: None, *, is_watched=False):
        word = Begin(path, Limits(), "regular", None, (), is_watched, OFF)
        started.append(WriterProcess(word, loop, hear))
        return started[-1]

    yield begin
    for process in started:
        with suppress(CassetteError):
            process.close()


def run_until(loop, is_so):
    async def wait():
        while not is_so():
            await asyncio.sleep(0.01)

    loop.run_until_complete(asyncio.wait_for(wait(), WAIT_S))


def test_written_by_its_end(path, start):
    heard = []
    process = start(heard.append)
    process.tell(ASKED)
    process.tell(ENDED)

    process.close()

    assert heard == [Begun(path, 1)]
    assert [exchange.unfinished for exchange in read(path).exchanges] == [False]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_handed_over_without_being_asked(path, loop, start):
    heard = []
    process = start(heard.append, is_watched=True)

    process.tell(ASKED)
    process.tell(ENDED)
    run_until(loop, lambda: process.progress and process.progress.committed_at_us)

    assert (process.progress.exchanges, process.progress.waiting) == (1, 0)
    assert heard == [Begun(path, 1), Recorded(read(path).exchanges[0], ())]


def test_flushed_once_it_is_on_disk(path, loop, start):
    process = start()
    process.tell(ASKED)
    process.tell(ENDED)
    loop.run_until_complete(asyncio.wait_for(process.flushed(), WAIT_S))

    assert [exchange.unfinished for exchange in read(path).exchanges] == [False]


def test_flush_that_nobody_waits_for(start):
    process = start()
    process.flushed().cancel()
    process.flushed()

    process.close()


def test_what_comes_after_the_loop_is_heard(path, start):
    heard = []
    process = start(heard.append, is_watched=True)

    process.tell(ASKED)
    process.tell(ENDED)
    process.close()

    assert heard[1:] == [Recorded(read(path).exchanges[0], ())]


def test_no_cassette_is_refused(path, start):
    path.write_bytes(b"no cassette")

    with pytest.raises(CassetteError, match=r"visit\.sqlite: "):
        start()

    assert path.read_bytes() == b"no cassette"


def test_more_than_a_pipe_holds(path, start):
    process = start()
    size = 1 << 20
    for number in range(40):
        process.tell(ASKED._replace(number=number, body=b"x" * size))

    process.close()

    assert [len(exchange.request.body.wire) for exchange in read(path).exchanges] == [size] * 40


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_do_not_end_it(path, start, number):
    """They are for the proxy, which still has something to say then."""
    process = start()
    (pid,) = children(os.getpid())
    os.kill(pid, number)
    process.tell(ASKED)

    process.close()

    assert len(read(path).exchanges) == 1


@linux
def test_killed_ends_the_loop(loop, start):
    process = start()
    (pid,) = children(os.getpid())
    os.kill(pid, signal.SIGKILL)
    process.tell(ASKED)

    with pytest.raises(SystemExit) as end:
        run_until(loop, lambda: False)

    assert end.value.code == 1
    process.tell(ENDED)
    with pytest.raises(CassetteError, match=r"visit\.sqlite: the process that writes it was ended by SIGKILL"):
        process.close()
