import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

from gms_replay.cassette.extent import Tally
from gms_replay.cassette.reader import read
from gms_replay.errors import CassetteError
from gms_replay.model import (
    Connection,
    Direction,
    Exchange,
    Frame,
    Message,
    Outcome,
    Push,
    Recording,
    Run,
    Socket,
    Transport,
)

RECORDER = """
from gms_replay.cassette.writer import Writer
from gms_replay.model import Body, Direction, Outcome, Request, Transport

writer = Writer("visit.sqlite", started_at_us=1, mode="regular", upstream=None, versions=())
request = Request("POST", "http", "gms", 80, "/genesys/cometd", "HTTP/1.1", (), Body(b"x" * BODY), 10, 11)
for _ in range(2):
    exchange_id = writer.begin_exchange()
    writer.request(exchange_id, request)
    writer.message(exchange_id, Direction.TO_SERVER, Transport.LONG_POLLING, 12, 0, "/meta/connect", b"{}")
writer.outcome(1, Outcome(20, error="Client disconnected."))
"""

LOOK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("BEGIN")
connection.execute("SELECT * FROM run").fetchall()
print(flush=True)
sys.stdin.read()
connection.close()
"""
LOOKER = [sys.executable, "-c", LOOK]
"""Looks into a cassette until its stdin ends."""


def test_every_fact_comes_back(tmp_path, facts):
    path = tmp_path / "visit.sqlite"
    writer = facts.writer(path, started_at_us=5, mode="reverse:http://gms", upstream="http://gms")
    exchange_id = facts.exchange(writer)
    writer.message(exchange_id, Direction.TO_SERVER, Transport.LONG_POLLING, 12, 1, "/meta/connect", b"{\xff")
    writer.outcome(exchange_id, facts.answer())
    writer.push(exchange_id, "fcm", 30, b"{}")
    writer.push(None, "apns", 31, b"\x00")
    writer.socket_opened(exchange_id, 40)
    writer.socket_closed(exchange_id, 50, 1000, "bye", Direction.TO_CLIENT)
    connection_id = writer.begin_connection("apns.example", 2195, "192.0.2.7:5", 60)
    frame = writer.frame(connection_id, Direction.TO_SERVER, 61, b"\0\xff")
    writer.close()

    assert read(path) == Recording(
        runs=(Run(1, 5, "reverse:http://gms", "http://gms", (("mitmproxy", "11.0.2"),)),),
        exchanges=(Exchange(1, 1, facts.request(), facts.answer()),),
        messages=(Message(1, 1, Direction.TO_SERVER, Transport.LONG_POLLING, 12, 1, "/meta/connect", b"{\xff"),),
        pushes=(Push(1, 1, 1, "fcm", 30, b"{}"), Push(2, 1, None, "apns", 31, b"\x00")),
        sockets=(Socket(1, 40, 50, 1000, "bye", Direction.TO_CLIENT),),
        connections=(Connection(1, 1, "apns.example", 2195, "192.0.2.7:5", 60),),
        frames=(frame,),
    )
    assert frame == Frame(1, 1, Direction.TO_SERVER, 61, b"\0\xff")


def test_closed_cassette_is_one_file(tmp_path, facts):
    writer = facts.writer(tmp_path / "visit.sqlite")
    facts.exchange(writer)

    writer.close()
    writer.close()

    assert [file.name for file in tmp_path.iterdir()] == ["visit.sqlite"]


def test_second_run_keeps_first(tmp_path, facts):
    path = tmp_path / "visit.sqlite"
    for target in ("/first", "/second"):
        writer = facts.writer(path)
        exchange_id = facts.exchange(writer, target)
        writer.message(exchange_id, Direction.TO_CLIENT, Transport.LONG_POLLING, 12, 0, target, b"{}")
        writer.push(None, "apns", 12, b"")
        writer.frame(writer.begin_connection("apns", 2195, "gms:1", 12), Direction.TO_SERVER, 12, b"")
        writer.close()

    recording = read(path)

    assert [run.id for run in recording.runs] == [1, 2] == [facts.writers[0].run_id, facts.writers[1].run_id]
    assert [(one.id, one.run_id, one.request.target) for one in recording.exchanges] == [
        (1, 1, "/first"),
        (2, 2, "/second"),
    ]
    assert [(one.id, one.exchange_id) for one in recording.messages] == [(1, 1), (2, 2)]
    assert [(one.id, one.run_id) for one in recording.pushes] == [(1, 1), (2, 2)]
    assert [(one.id, one.run_id) for one in recording.connections] == [(1, 1), (2, 2)]
    assert [(one.id, one.connection_id) for one in recording.frames] == [(1, 1), (2, 2)]


def test_first_end_counts(tmp_path, facts):
    path = tmp_path / "visit.sqlite"
    writer = facts.writer(path)
    exchange_id = facts.exchange(writer)
    writer.outcome(exchange_id, Outcome(20, error="Client disconnected."))
    writer.outcome(exchange_id, facts.answer())
    writer.socket_opened(exchange_id, 30)
    writer.socket_closed(exchange_id, 40, 1000, "bye", Direction.TO_SERVER)
    writer.socket_closed(exchange_id, 41, 1006, "", None)
    writer.close()

    recording = read(path)

    assert recording.exchanges[0].outcome == Outcome(20, error="Client disconnected.")
    assert recording.sockets == (Socket(exchange_id, 30, 40, 1000, "bye", Direction.TO_SERVER),)


def test_kill_leaves_committed_facts(tmp_path, killed):
    path = tmp_path / "visit.sqlite"

    killed(RECORDER.replace("BODY", "10"), lambda: seen(path, exchanges=2))

    recording = read(path)
    assert [exchange.unfinished for exchange in recording.exchanges] == [False, True]
    assert len(recording.messages) == 2


def test_recording_goes_on_after_kill(tmp_path, killed, facts):
    path = tmp_path / "visit.sqlite"
    killed(RECORDER.replace("BODY", "10"), lambda: seen(path, exchanges=2))

    writer = facts.writer(path)
    facts.exchange(writer)
    writer.close()

    assert [(one.id, one.run_id) for one in read(path).exchanges] == [(1, 1), (2, 1), (3, 2)]
    assert [file.name for file in tmp_path.iterdir()] == ["visit.sqlite"]


def seen(path, exchanges: int) -> bool:
    try:
        return len(read(path).exchanges) == exchanges
    except CassetteError:
        return False


def test_trickle_commits_within_second(tmp_path, facts, until):
    """The second is a promise to whoever kills the recorder, so it is measured."""
    path = tmp_path / "visit.sqlite"
    writer = facts.writer(path)
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(0.02):
            writer.push(None, "apns", 1, b"")

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        until(lambda: len(read(path).pushes) > 5)
        put_at = time.monotonic()
        facts.exchange(writer)
        visible_at = until(lambda: bool(read(path).exchanges))
    finally:
        stop.set()
        thread.join()

    assert visible_at - put_at < 1


def test_burst_is_few_transactions(tmp_path, facts, until):
    path = tmp_path / "visit.sqlite"
    writer = facts.writer(path)
    for _ in range(200):
        writer.push(None, "apns", 1, b"")
    until(lambda: len(read(path).pushes) == 200)

    assert commits((tmp_path / "visit.sqlite-wal").read_bytes()) < 20


def commits(wal: bytes) -> int:
    """Frames that end a transaction tell the size of the database (SQLite file format, section 4.1)."""
    frame_bytes = 24 + int.from_bytes(wal[8:12], "big")
    return sum(wal[at + 4 : at + 8] != bytes(4) for at in range(32, len(wal), frame_bytes))


def test_many_threads_lose_nothing(tmp_path, facts):
    path = tmp_path / "visit.sqlite"
    writer = facts.writer(path)

    def visit(name: int) -> None:
        for number in range(300):
            exchange_id = facts.exchange(writer, f"/{name}/{number}")
            writer.message(exchange_id, Direction.TO_CLIENT, Transport.LONG_POLLING, 1, 0, f"/{name}/{number}", b"{}")
            writer.outcome(exchange_id, facts.answer())

    threads = [threading.Thread(target=visit, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()

    recording = read(path)
    assert {one.request.target for one in recording.exchanges} == {f"/{a}/{b}" for a in range(8) for b in range(300)}
    assert not any(one.unfinished for one in recording.exchanges)
    targets = {one.id: one.request.target for one in recording.exchanges}
    assert {targets[one.exchange_id] == one.channel for one in recording.messages} == {True}
    assert len(recording.messages) == 2400


def test_lone_surrogate_is_escaped(tmp_path, facts):
    path = tmp_path / "visit.sqlite"
    writer = facts.writer(path)
    exchange_id = facts.exchange(writer)
    writer.message(
        exchange_id, Direction.TO_SERVER, Transport.LONG_POLLING, 12, 0, "/\ud800", rb'{"channel":"/\ud800"}'
    )
    writer.close()

    assert read(path).messages[0].channel == r"/\ud800"


def test_facts_in_wrong_order_refused(tmp_path, facts):
    writer = facts.writer(tmp_path / "visit.sqlite")
    exchange_id = writer.begin_exchange()

    with pytest.raises(ValueError, match="exchange 1 has no request yet"):
        writer.outcome(exchange_id, facts.answer())
    with pytest.raises(ValueError, match="exchange 2 has no request yet"):
        writer.socket_opened(exchange_id + 1, 1)
    with pytest.raises(ValueError, match="exchange 1 opened no socket"):
        writer.socket_closed(exchange_id, 1, None, "", None)
    writer.request(exchange_id, facts.request())
    with pytest.raises(ValueError, match="has its request already"):
        writer.request(exchange_id, facts.request())


def test_closed_writer_takes_nothing(tmp_path, facts):
    writer = facts.writer(tmp_path / "visit.sqlite")
    exchange_id = facts.exchange(writer)
    writer.close()

    with pytest.raises(ValueError, match=r"visit\.sqlite is closed"):
        writer.outcome(exchange_id, facts.answer())


def test_large_wal_is_given_back(tmp_path, facts, until):
    path = tmp_path / "visit.sqlite"
    writer = facts.writer(path)
    with subprocess.Popen([*LOOKER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as looker:
        looker.stdout.readline()
        writer.push(None, "apns", 1, bytes(40 << 20))
        until(lambda: writer.waiting == 0)
        under_reader = (tmp_path / "visit.sqlite-wal").stat().st_size
    writer.push(None, "apns", 1, bytes(40 << 20))
    until(lambda: writer.waiting == 0)

    assert under_reader > 40 << 20
    assert (tmp_path / "visit.sqlite-wal").stat().st_size < 1 << 20


def test_exchange_over_takes_nothing(tmp_path, facts):
    writer = facts.writer(tmp_path / "visit.sqlite")
    exchange_id = facts.exchange(writer)
    writer.exchange_over(exchange_id)

    with pytest.raises(ValueError, match="exchange 1 is over"):
        writer.outcome(exchange_id, facts.answer())


def test_connection_over_takes_nothing(tmp_path, facts):
    writer = facts.writer(tmp_path / "visit.sqlite")
    connection_id = writer.begin_connection("apns", 2195, "gms:1", 5)
    writer.connection_over(connection_id)

    with pytest.raises(ValueError, match="connection 1 was not begun, or is over"):
        writer.frame(connection_id, Direction.TO_SERVER, 6, b"")


def test_retired_writer_begins_nothing(tmp_path, facts):
    writer = facts.writer(tmp_path / "visit.sqlite")
    facts.exchange(writer)
    writer.retire()

    with pytest.raises(ValueError, match=r"visit\.sqlite is retired"):
        writer.begin_exchange()
    with pytest.raises(ValueError, match=r"visit\.sqlite is retired"):
        writer.begin_connection("apns", 2195, "gms:1", 5)


def test_retired_writer_takes_last_facts(tmp_path, facts, until):
    path = tmp_path / "visit.sqlite"
    writer = facts.writer(path)
    polled, opened = facts.exchange(writer), facts.exchange(writer)
    writer.socket_opened(opened, 30)
    writer.retire()

    writer.outcome(polled, facts.answer())
    writer.exchange_over(polled)
    writer.socket_closed(opened, 40, 1000, "bye", Direction.TO_CLIENT)
    writer.exchange_over(opened)
    until(lambda: writer.is_done)

    assert [file.name for file in tmp_path.iterdir()] == ["visit.sqlite"]
    recording = read(path)
    assert (recording.exchanges[0].outcome, recording.sockets[0].closed_at_us) == (facts.answer(), 40)


def test_retired_writer_without_exchanges_ends(tmp_path, facts, until):
    writer = facts.writer(tmp_path / "visit.sqlite")

    writer.retire()
    until(lambda: writer.is_done)

    assert [file.name for file in tmp_path.iterdir()] == ["visit.sqlite"]


def test_retired_file_waits_for_reader(tmp_path, facts, until):
    """That somebody looks at a file that is done ends no recording, however long it takes."""
    path = tmp_path / "visit.sqlite"
    failures = []
    writer = facts.writer(path, on_failure=failures.append)
    facts.exchange(writer)
    with subprocess.Popen([*LOOKER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as looker:
        looker.stdout.readline()
        writer.exchange_over(1)
        writer.retire()
        until(lambda: writer.waiting == 0)
    until(lambda: writer.is_done)

    assert (failures, [file.name for file in tmp_path.iterdir()]) == ([], ["visit.sqlite"])


def test_tally_counts_this_run(tmp_path, facts, until):
    path = tmp_path / "visit.sqlite"
    facts.exchange(facts.writer(path))
    facts.writers[0].close()
    writer = facts.writer(path)
    assert writer.tally == Tally()

    exchange_id = facts.exchange(writer)
    writer.push(exchange_id, "fcm", 30, b"{}")
    writer.frame(writer.begin_connection("apns", 2195, "gms:1", 12), Direction.TO_SERVER, 12, b"")
    until(lambda: writer.waiting == 0)

    assert (writer.tally.exchanges, writer.tally.messages) == (1, 0)
    assert (writer.tally.pushes, writer.tally.frames) == (1, 1)
    assert writer.tally.committed_at_us > 1
    assert writer.size_bytes == sum((tmp_path / f"visit.sqlite{suffix}").stat().st_size for suffix in ("", "-wal"))


LOST = {
    "removed": lambda path: path.unlink(),
    "replaced": lambda path: shutil.copyfile(path, f"{path}.copy") and os.replace(f"{path}.copy", path),
}


@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize("lost", ["visit.sqlite", "visit.sqlite-wal"])
def test_lost_file_ends_recording(tmp_path, facts, until, how, lost):
    failures = []
    writer = facts.writer(tmp_path / "visit.sqlite", on_failure=failures.append)
    facts.exchange(writer)
    until(lambda: writer.waiting == 0)

    LOST[how](tmp_path / lost)
    facts.exchange(writer)
    until(lambda: bool(failures))

    with pytest.raises(CassetteError, match=rf"visit\.sqlite: {lost} was {how} while it was recorded into"):
        writer.close()
    facts.writers.clear()


def test_linked_cassette_is_followed(tmp_path, facts):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "visit.sqlite"
    link.symlink_to(tmp_path / "elsewhere" / "visit.sqlite")
    facts.writer(link.resolve()).close()

    writer = facts.writer(link)
    facts.exchange(writer)
    writer.close()

    assert (len(read(link).exchanges), link.is_symlink()) == (1, True)


def test_second_recorder_is_refused(tmp_path, facts):
    path = tmp_path / "visit.sqlite"
    writer = facts.writer(path)

    with pytest.raises(CassetteError, match=r"visit\.sqlite: another program records into it"):
        facts.writer(path)

    facts.exchange(writer)
    writer.close()
    assert len(read(path).exchanges) == 1


def test_reader_that_stays_is_named(tmp_path, facts):
    path = tmp_path / "visit.sqlite"
    writer = facts.writer(path)
    with subprocess.Popen([*LOOKER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        reader.stdout.readline()
        facts.exchange(writer)
        with pytest.raises(CassetteError, match=r"keep visit\.sqlite-wal beside it"):
            writer.close()
    facts.writers.clear()

    assert len(read(path).exchanges) == 1


def test_missing_folder_is_named(tmp_path, facts):
    with pytest.raises(
        CassetteError, match=r"visit\.sqlite: cannot be written: No such file or directory; check folder"
    ):
        facts.writer(tmp_path / "nowhere" / "visit.sqlite")


AS_NOBODY = """
import os, sys
from gms_replay.cassette.writer import Writer
from gms_replay.errors import CassetteError

if os.geteuid() == 0:
    os.seteuid(65534)
try:
    Writer(sys.argv[1], started_at_us=1, mode="regular", upstream=None, versions=())
except CassetteError as error:
    print(error)
"""


@pytest.mark.parametrize("exists", [True, False])
def test_unwritable_place_is_named(open_folder, facts, exists):
    path = open_folder / "visit.sqlite"
    if exists:
        facts.writer(path).close()
    path.exists() and path.chmod(0o444)
    open_folder.chmod(0o555)
    before = facts.content(open_folder)

    told = subprocess.run([sys.executable, "-c", AS_NOBODY, path], capture_output=True, text=True, check=True).stdout

    assert told.startswith(f"{path}: cannot be written: ")
    assert told.count("\n") == 1
    assert facts.content(open_folder) == before


FULL_DISK = (
    RECORDER.replace("BODY", "100_000")
    + """
import resource, sys, threading
from gms_replay.cassette.reader import read
from gms_replay.errors import CassetteError

told = threading.Event()
calls = []
writer.close()
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

def on_failure(error):
    calls.append(str(error))
    told.set()
    raise RuntimeError("the loop is closed")

writer = Writer("visit.sqlite", started_at_us=2, mode="regular", upstream=None, versions=(), on_failure=on_failure)
while not told.wait(0.001):
    writer.request(writer.begin_exchange(), request)
for _ in range(5000):
    writer.push(None, "apns", 1, b"")
failure = writer.failure
for _ in range(2):
    try:
        writer.close()
    except CassetteError as error:
        assert error is failure, error
        print("raised")
print(len(calls), calls[0])
recording = read("visit.sqlite")
print(len(recording.runs), len(recording.exchanges) >= 2, recording.pushes)
"""
)


def test_full_disk_is_told_once(tmp_path):
    command = [sys.executable, "-c", FULL_DISK]

    told = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True).stdout

    raised, again, call, read_back = told.splitlines()
    assert (raised, again) == ("raised", "raised")
    assert call.startswith("1 visit.sqlite: cannot be written: ")
    assert read_back == "2 True ()"


NO_ROOM = """
import resource
from gms_replay.cassette.writer import Writer
from gms_replay.errors import CassetteError

resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    Writer("visit.sqlite", started_at_us=1, mode="regular", upstream=None, versions=())
except CassetteError as error:
    print(error)
"""


def test_refused_start_leaves_nothing(tmp_path):
    command = [sys.executable, "-c", NO_ROOM]

    told = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True).stdout

    assert told.startswith("visit.sqlite: cannot be written: ")
    assert list(tmp_path.iterdir()) == []
