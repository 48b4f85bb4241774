import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gms_replay.cassette import opening
from gms_replay.cassette.reader import read
from gms_replay.errors import CassetteError, NotACassetteError

RACER = """
import sys
from gms_replay.cassette.writer import Writer
from gms_replay.errors import CassetteError
from gms_replay.model import Body, Request

print("ready", flush=True)
for path in sys.stdin:
    try:
        writer = Writer(path.strip(), started_at_us=1, mode="regular", upstream=None, versions=())
    except CassetteError as error:
        print("refused", error, flush=True)
        sys.stdin.readline()
    else:
        print("records", flush=True)
        sys.stdin.readline()
        request = Request("GET", "http", "gms", 80, "/", "HTTP/1.1", (), Body(), 1, 1)
        writer.request(writer.begin_exchange(), request)
        writer.close()
    print("done", flush=True)
"""
ROUNDS = 12
GOLDEN = Path(__file__).parents[1] / "golden" / "v1.sqlite"


@pytest.fixture
def racers():
    """Two processes that record into each file that they are told, until they are told to end."""
    command = [sys.executable, "-c", RACER]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for racer in started:
        assert racer.stdout.readline() == "ready\n"
    yield started
    for racer in started:
        racer.stdin.close()
        racer.wait()
        racer.stdout.close()


def tell(racers, line: str) -> list[str]:
    for racer in racers:
        racer.stdin.write(f"{line}\n")
        racer.stdin.flush()
    return [racer.stdout.readline().strip() for racer in racers]


@pytest.mark.parametrize("exists", [True, False])
def test_one_of_two_starts_records(tmp_path, racers, facts, exists):
    for number in range(ROUNDS):
        path = tmp_path / f"{number}.sqlite"
        if exists:
            facts.writer(path).close()

        records, refused = sorted(tell(racers, str(path)))
        assert tell(racers, "end") == ["done", "done"]

        # SQLite itself may turn away the second, if that comes in the very moment.
        assert (records, refused.startswith(f"refused {path}: ")) == ("records", True)
        assert "another program" in refused
        assert len(read(path).exchanges) == 1
        assert [run.id for run in read(path).runs] == [1, 2][: 1 + exists]
        assert {file.name for file in tmp_path.iterdir()} == {f"{done}.sqlite" for done in range(number + 1)}


def test_one_of_two_starts_upgrades(tmp_path, racers):
    old = len(read(GOLDEN).exchanges)
    for number in range(ROUNDS):
        path = tmp_path / f"{number}.sqlite"
        shutil.copyfile(GOLDEN, path)

        records, refused = sorted(tell(racers, str(path)))
        assert tell(racers, "end") == ["done", "done"]

        assert (records, "another program" in refused) == ("records", True), refused
        assert len(read(path).exchanges) == old + 1


def test_empty_file_is_refused(tmp_path, facts):
    path = tmp_path / "visit.sqlite"
    path.touch()

    with pytest.raises(NotACassetteError, match="empty, so not a cassette"):
        facts.writer(path)

    assert path.read_bytes() == b""


def test_file_being_made_is_waited_for(tmp_path, facts):
    """Between another recorder's first two steps the file is there, and empty."""
    path, made = tmp_path / "visit.sqlite", tmp_path / "made"
    facts.writer(made).close()
    path.touch()
    maker = threading.Timer(0.1, lambda: made.replace(path))
    maker.start()
    writer = facts.writer(path)
    maker.join()

    assert writer.run_id == 2


@pytest.fixture
def other(tmp_path, monkeypatch):
    """Another that writes to `visit.sqlite` for a moment, from when we are about to enter WAL mode."""
    path, enter, started = tmp_path / "visit.sqlite", opening.enter_wal_mode, []

    def late(*args, **options):
        if not started:
            file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            file.execute("BEGIN IMMEDIATE")
            # Closing ends the transaction, too.
            started.append(threading.Timer(0.1, file.close))
            started[0].start()
        return enter(*args, **options)

    monkeypatch.setattr(opening, "enter_wal_mode", late)
    yield
    started[0].join()


def test_maker_waits_for_who_came_second(tmp_path, facts, other):
    """SQLite itself waits for nobody here."""
    writer = facts.writer(tmp_path / "visit.sqlite")

    assert writer.run_id == 1


def test_maker_leaves_file_to_who_came_second(tmp_path, facts, other, monkeypatch):
    monkeypatch.setattr("gms_replay.cassette.claim._PATIENCE_S", 0)
    path = tmp_path / "visit.sqlite"

    with pytest.raises(CassetteError, match="another program records into it"):
        facts.writer(path)

    assert path.exists()
