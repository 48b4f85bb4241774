"""What ends a recorder that was left alone: each told in one line, exit 1, all that was committed kept."""

import shutil
import sys
from contextlib import suppress

import pytest
from processes import limit_files

from gms_replay.cassette import reader

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
DIALOG = "/genesys/1/service/{}/get-dialog-start-chat"

# Root may write anywhere, unless this is taken from it (capabilities(7)); others never could.
HUMBLED = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
HUMBLY = (sys.executable, "-c", HUMBLED)


def request(name: str, size: int = 0) -> bytes:
    body = b"x" * size
    head = f"POST {DIALOG.format(name)} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
    return head.encode() + body


def mode(upstream) -> tuple[str, str]:
    return "--mode", f"reverse:http://127.0.0.1:{upstream.port}@0"


def take(upstream, mitmdump, name: str, size: int = 0) -> None:
    """One exchange, which may be the one that mitmdump ends with."""
    upstream.plays(DIALOG.format(name), ANSWER)
    with suppress(ConnectionError):
        mitmdump.send(request(name, size))


def last_line(mitmdump) -> str:
    assert mitmdump.process.wait(60) == 1
    (line,) = [line for line in mitmdump.err.splitlines() if line.startswith("gms_record: ")]
    return line


def names(path) -> list[str]:
    return [exchange.request.target.split("/")[4] for exchange in reader.read(path).exchanges]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes a right from root")
def test_read_only_folder_is_refused(run, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o555)

    mitmdump = run(tmp_path, "--mode", "regular@0", "--set", f"gms_cassette={folder / 'visit.sqlite'}", before=HUMBLY)

    assert last_line(mitmdump).endswith(
        "visit.sqlite: cannot be written: Permission denied; check folder, space and rights"
    )
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes a right from root")
def test_next_file_in_locked_folder(run, tmp_path, upstream):
    """The file that is open can be written on: only the next one cannot be made."""
    folder = tmp_path / "locked"
    folder.mkdir()
    settings = ("--set", f"gms_cassette={folder / 'visit.sqlite'}", "--set", "gms_max_mib=1")
    mitmdump = run(tmp_path, *mode(upstream), *settings, before=HUMBLY).ready()
    mitmdump.cassette = folder / "visit.sqlite"
    take(upstream, mitmdump, "kept", 1_200_000)
    mitmdump.exchange(DIALOG.format("kept"))
    folder.chmod(0o555)

    while mitmdump.process.poll() is None:
        take(upstream, mitmdump, "lost")

    assert "visit-2.sqlite: cannot be written: Permission denied" in last_line(mitmdump)
    folder.chmod(0o755)
    assert names(folder / "visit.sqlite")[0] == "kept"


def test_held_cassette_is_refused(start, run, tmp_path):
    first = start("--mode", "regular@0").ready()

    second = run(tmp_path, "--mode", "regular@0", "--set", f"gms_cassette={first.cassette}")

    assert last_line(second).endswith("another program records into it; end that one, or name another file")
    assert first.end() == 0
    assert len(reader.read(first.cassette).runs) == 1


def test_one_of_two_starts_records(run, tmp_path):
    started = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        cassette = f"gms_cassette={tmp_path / 'visit.sqlite'}"
        started.append(run(tmp_path / name, "--mode", "regular@0", "--set", cassette))
    while all(mitmdump.process.poll() is None for mitmdump in started):
        pass
    refused, going_on = sorted(started, key=lambda mitmdump: mitmdump.process.poll() is None)

    assert "another program" in last_line(refused)
    assert going_on.ready().end() == 0
    assert len(reader.read(tmp_path / "visit.sqlite").runs) == 1


def test_deleted_file_ends_mitmdump(start, upstream):
    """Also when nothing more is recorded."""
    mitmdump = start(*mode(upstream)).ready()
    take(upstream, mitmdump, "deleted")
    mitmdump.exchange(DIALOG.format("deleted"))

    for file in mitmdump.cassette.parent.glob("visit.sqlite*"):
        file.unlink()

    assert "visit.sqlite was removed while it was recorded into" in last_line(mitmdump)


def test_moved_file_loses_nothing(start, run, upstream, tmp_path):
    """Nor does starting again: what was recorded is in the -wal that stayed behind."""
    mitmdump = start(*mode(upstream)).ready()
    take(upstream, mitmdump, "moved")
    mitmdump.exchange(DIALOG.format("moved"))
    moved = mitmdump.cassette.with_name("moved.sqlite")
    mitmdump.cassette.rename(moved)
    assert "if it is elsewhere, put visit.sqlite-wal, which holds the last of it, beside it" in last_line(mitmdump)

    again = run(tmp_path, "--mode", "regular@0", "--set", f"gms_cassette={mitmdump.cassette}")

    assert "visit.sqlite-wal: left by a cassette that was moved or removed" in last_line(again)
    mitmdump.cassette.with_name("visit.sqlite-wal").rename(f"{moved}-wal")
    assert names(moved) == ["moved"]


def test_replaced_file_ends_mitmdump(start, upstream):
    mitmdump = start(*mode(upstream)).ready()
    copy = mitmdump.cassette.with_name("copy")
    shutil.copyfile(mitmdump.cassette, copy)

    copy.replace(mitmdump.cassette)

    assert "visit.sqlite was replaced while it was recorded into" in last_line(mitmdump)


def test_full_disk_keeps_committed(start, upstream):
    mitmdump = start(*mode(upstream)).ready()
    take(upstream, mitmdump, "kept")
    mitmdump.exchange(DIALOG.format("kept"))
    limit_files(mitmdump.process.pid, 1_000_000)

    take(upstream, mitmdump, "large", 3_000_000)

    assert f"{mitmdump.cassette}: cannot be written: " in last_line(mitmdump)
    assert names(mitmdump.cassette) == ["kept"]


def test_size_limit_begins_next_file(start, upstream):
    """And a restart goes on in the newest."""
    mitmdump = start(*mode(upstream), "--set", "gms_max_mib=1").ready()
    for name in ("first", "second"):
        take(upstream, mitmdump, name, 1_200_000)
        mitmdump.recorded(lambda recording, name=name: name in str(recording.exchanges[-1:]))
        mitmdump.cassette = mitmdump.cassette.with_name("visit-2.sqlite")
        if name == "first":
            take(upstream, mitmdump, "between")
            mitmdump.says("visit-2.sqlite")
    assert mitmdump.end() == 0

    assert names(mitmdump.cassette.with_name("visit.sqlite")) == ["first"]
    assert names(mitmdump.cassette) == ["between", "second"]
