"""Files that are no whole cassette, in every command: one line that helps, the right exit code, nothing touched."""

import json
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import factories
import pytest
from click.testing import CliRunner, Result

from gms_replay.cassette import opening
from gms_replay.cassette.copy import write
from gms_replay.cassette.integrity import examine
from gms_replay.cassette.reader import read
from gms_replay.cassette.schema import FORMAT_VERSION
from gms_replay.cli.main import main
from gms_replay.errors import CassetteDamagedError, CassetteError

READERS = {
    "show": ("show",),
    "serve": ("serve", "--port", "0"),
    "export": ("export", "--to", "jsonl"),
    "check": ("check",),
    "check for machines": ("check", "--json"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "visit.sqlite"
    write(path, factories.visit())
    return path


def run(*arguments: str | Path) -> Result:
    told = CliRunner().invoke(main, [os.fspath(argument) for argument in arguments])
    assert told.exception is None or isinstance(told.exception, SystemExit), told.exc_info
    return told


def traces(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """All that lies in a folder: when changed, which rights and kind, which bytes."""
    found = {}
    for path in folder.rglob("*"):
        told = path.lstat()
        found[path.name] = told.st_mtime_ns, told.st_mode, path.read_bytes() if stat.S_ISREG(told.st_mode) else b""
    return found


def complains(told: Result, path: Path, exit_code: int, problem: str) -> None:
    assert told.exit_code == exit_code
    assert told.stderr.startswith(f"gms-replay: {path}: ")
    assert told.stderr.count("\n") == 1
    assert told.stderr.endswith("\n")
    assert problem in told.stderr
    assert ";" in told.stderr.removeprefix(f"gms-replay: {path}"), "what to do stands after a semicolon"


def content(data: bytes) -> Callable[[Path, Path], None]:
    return lambda path, whole: path.write_bytes(data) and None


def cut(size: int) -> Callable[[Path, Path], None]:
    return lambda path, whole: path.write_bytes(whole.read_bytes()[:size]) and None


def changed(statement: str) -> Callable[[Path, Path], None]:
    def make(path: Path, whole: Path) -> None:
        shutil.copy(whole, path)
        file = sqlite3.connect(path)
        file.execute(statement)
        file.commit()
        file.close()

    return make


def other_database(path: Path, whole: Path) -> None:
    file = sqlite3.connect(path)
    file.execute("CREATE TABLE bookmarks (url)")
    file.commit()
    file.close()


def archive(path: Path, whole: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.write(whole, "visit.sqlite")


FOREIGN = {
    "missing": (lambda path, whole: None, "no such file; check the name"),
    "empty": (content(b""), "empty, so not a cassette; remove it"),
    "text": (content(b"notes\nof mine\n"), "not a cassette, nor any SQLite file; name"),
    "JSON": (content(b'{"kind": "run"}\n'), "not a cassette, nor any SQLite file; name"),
    "flow file": (content(b'100:9:websocket;0:~8:response;'), "not a cassette, nor any SQLite file; name"),
    "zip": (archive, "not a cassette, nor any SQLite file; name"),
    "other database": (other_database, "a SQLite database, but not a cassette; name"),
    "folder": (lambda path, whole: path.mkdir(), "a folder, not a cassette; name the file in it"),
    "pipe": (lambda path, whole: os.mkfifo(path), "not a plain file, so not a cassette; name"),
    "device": (lambda path, whole: path.symlink_to("/dev/zero"), "not a plain file, so not a cassette; name"),
    "dangling link": (lambda path, whole: path.symlink_to("nowhere"), "not a plain file, so not a cassette; name"),
    "link to itself": (lambda path, whole: path.symlink_to(path), ""),
    "newer": (
        changed(f"PRAGMA user_version = {FORMAT_VERSION + 1}"),
        f"written in format {FORMAT_VERSION + 1}, newer than this gms-replay",
    ),
}  # fmt: skip


def pages_end(path: Path) -> int:
    return opening.pages_end(path.read_bytes())


DAMAGED = {
    **{f"cut at {size}": cut(size) for size in (1, 15, 16, 99, 100, 1000, 4095, 4096, 4097, 8192, 20000)},
    "cut in the middle": lambda path, whole: cut(whole.stat().st_size // 2)(path, whole),
    "last byte of the pages lost": lambda path, whole: cut(pages_end(whole) - 1)(path, whole),
    "last page lost": lambda path, whole: cut(pages_end(whole) - 4096)(path, whole),
    "format below zero": changed("PRAGMA user_version = -1"),
    "made of format 0": changed("PRAGMA user_version = 0"),
    "table missing": changed("DROP TABLE push"),
    "column missing": changed("ALTER TABLE message DROP COLUMN raw"),
    "request missing": changed("DELETE FROM request WHERE id = 2"),
    "headers of numbers": changed("UPDATE request SET headers = '[1]' WHERE id = 3"),
    "headers too deep": changed(f"UPDATE request SET headers = '{'[' * 100_000}' WHERE id = 3"),
    "text for a number": changed("UPDATE request SET port = 'soon' WHERE id = 3"),
    "text for bytes": changed("UPDATE outcome SET body = CAST(body AS TEXT) WHERE exchange_id = 3"),
    "bytes for text": changed("UPDATE request SET headers = CAST(headers AS BLOB) WHERE id = 3"),
    "a number for pairs": changed("UPDATE request SET headers = 5 WHERE id = 3"),
    "no UTF-8": changed("UPDATE request SET target = CAST(x'ff' AS TEXT) WHERE id = 3"),
    "half an answer": changed("UPDATE outcome SET headers = NULL WHERE exchange_id = 3"),
    "unknown word": changed("UPDATE message SET direction = 'up' WHERE id = 3"),
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("verb", READERS)
def test_foreign_file_is_named(verb: str, kind: str, tmp_path: Path, whole: Path) -> None:
    make, problem = FOREIGN[kind]
    path = tmp_path / "visit.sqlite"
    make(path, whole)
    before = traces(tmp_path)

    told = run(*READERS[verb], path)

    complains(told, path, 2, problem)
    assert told.stdout == ""
    assert traces(tmp_path) == before


@pytest.mark.parametrize("kind", DAMAGED)
@pytest.mark.parametrize("verb", READERS)
def test_damaged_file_is_named(verb: str, kind: str, tmp_path: Path, whole: Path) -> None:
    path = tmp_path / "visit.sqlite"
    DAMAGED[kind](path, whole)
    before = traces(tmp_path)

    told = run(*READERS[verb], path)

    complains(told, path, 1 if "check" in verb else 2, "damaged (")
    way_out = f"take it from a backup, or save what is whole: gms-replay check {path} --repair NEW"
    assert told.stderr.endswith(f"); {way_out}\n")
    assert traces(tmp_path) == before


@pytest.mark.parametrize("kind", [*FOREIGN, *DAMAGED])
def test_import_spares_what_is_there(kind: str, tmp_path: Path, whole: Path) -> None:
    make = DAMAGED.get(kind) or FOREIGN[kind][0]
    path = tmp_path / "visit.sqlite"
    make(path, whole)
    source = tmp_path / "visit.jsonl"
    assert run("export", whole, "--to", "jsonl", "--output", source).exit_code == 0
    before = traces(tmp_path)

    told = run("import", source, path, "--redact", "off")

    if kind == "missing":
        assert (told.exit_code, read(path)) == (0, read(whole))
        return
    complains(told, path, 2, "exists already; remove it, or name another file")
    assert traces(tmp_path) == before


@pytest.mark.parametrize("name", ["two words", "Müller 日本", "a?mode=memory", "half#1", "50%41", ":memory:", "-wal"])
@pytest.mark.parametrize("verb", ["show", "export", "check"])
def test_odd_names_are_read(verb: str, name: str, tmp_path: Path, whole: Path) -> None:
    path = tmp_path / name
    shutil.copy(whole, path)
    before = traces(tmp_path)

    assert run(*READERS[verb], path).exit_code == 0
    assert traces(tmp_path) == before


@pytest.mark.parametrize("name", ["line\nbreak", os.fsdecode(b"\xff")])
@pytest.mark.parametrize("verb", READERS)
def test_unprintable_names_are_escaped(verb: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("notes")

    told = run(*READERS[verb], path)

    assert told.exit_code == 2
    assert told.stderr.count("\n") == 1
    assert "not a cassette" in told.stderr


def test_unprintable_name_is_read(tmp_path: Path, whole: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff\n")
    shutil.copy(whole, path)

    for verb in ("show", "export", "check", "check for machines"):
        assert run(*READERS[verb], path).exit_code == 0


def another(path: Path) -> None:
    """A cassette in WAL mode that tells another visit, most of it in its WAL."""
    chat = factories.chat_recording((1.0, factories.frame(1, factories.JOINED)))
    asked = [replace(one, request=replace(one.request, target="/of/another")) for one in chat.exchanges]
    write(path, replace(chat, exchanges=tuple(asked)))
    file = sqlite3.connect(path, isolation_level=None)
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("UPDATE request SET target = target")
    shutil.copy(f"{path}-wal", path.with_name("saved"))
    file.close()


@pytest.mark.parametrize("verb", ["show", "export", "check"])
def test_wal_of_another_is_left_out(verb: str, tmp_path: Path, whole: Path) -> None:
    folder = tmp_path / "both"
    folder.mkdir()
    another(tmp_path / "other.sqlite")
    path = folder / "visit.sqlite"
    shutil.copy(whole, path)
    shutil.copy(tmp_path / "saved", folder / "visit.sqlite-wal")
    before = traces(folder)

    told = run(*READERS[verb], path)

    assert told.exit_code == 0
    assert "/of/another" not in told.stdout
    assert read(path) == read(whole)
    assert traces(folder) == before


@pytest.mark.parametrize("left", [("-shm",), ("-wal",), ()])
def test_wal_mode_is_read_untouched(left: tuple[str, ...], tmp_path: Path) -> None:
    another(tmp_path / "other.sqlite")
    folder = tmp_path / "left"
    folder.mkdir()
    path = folder / "visit.sqlite"
    shutil.copy(tmp_path / "other.sqlite", path)
    content = bytearray(path.read_bytes())
    content[18:20] = b"\x02\x02"
    path.write_bytes(content)
    for suffix in left:
        (folder / f"visit.sqlite{suffix}").write_bytes(b"")
    before = traces(folder)

    for verb in ("show", "export", "check"):
        assert run(*READERS[verb], path).exit_code == 0
    assert traces(folder) == before


@pytest.mark.parametrize("seed", [*range(40), 1190])  # The last breaks a name in the schema.
def test_flipped_bytes_never_confuse(seed: int, tmp_path: Path, whole: Path) -> None:
    dice = random.Random(seed)
    content = bytearray(whole.read_bytes())
    # Most of a cassette is bodies; what SQLite goes by stands at the beginning of pages.
    for _ in range(dice.choice((1, 2, 8, 64))):
        page = dice.randrange(0, pages_end(whole), 4096)
        content[dice.choice((dice.randrange(len(content)), page + dice.randrange(120)))] ^= 1 << dice.randrange(8)
    path = tmp_path / "visit.sqlite"
    path.write_bytes(content)
    before = traces(tmp_path)

    # An address that nobody has ends `serve` where it would begin to wait.
    for verb in (("show",), ("export", "--to", "jsonl"), ("serve", "--host", "192.0.2.1"), ("check",)):
        told = run(*verb, path)
        assert told.exit_code in (0, 1, 2)
        assert told.exit_code == 0 or told.stderr.count("\n") == 1
    assert traces(tmp_path) == before
    agree(path)


def agree(path: Path) -> None:
    """What reads is undamaged and the same for `check`; what does not read is damaged for it too."""
    try:
        recording = read(path)
    except CassetteDamagedError:
        assert examine(path).flaws
    except CassetteError as error:
        with pytest.raises(type(error)):
            examine(path)
    else:
        examined = examine(path)
        assert examined.flaws or examined.recording == recording


WITHOUT_RIGHTS = """
import ctypes, sys
# What lets root read anything: all capabilities given up (capset(2), version 3: three pairs of sets).
version_and_self = (ctypes.c_uint32 * 2)(0x20080522, 0)
assert ctypes.CDLL(None).capset(version_and_self, (ctypes.c_uint32 * 6)()) == 0
from gms_replay.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("verb", READERS)
def test_unreadable_file_is_named(verb: str, open_folder: Path, whole: Path) -> None:
    path = open_folder / "visit.sqlite"
    shutil.copy(whole, path)
    path.chmod(0)
    command = [sys.executable, "-c", WITHOUT_RIGHTS, *READERS[verb], path]

    told = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == (f"gms-replay: {path}: cannot be read: Permission denied; check folder, space and rights\n")


@pytest.mark.parametrize("kind", ["text", "pipe", "newer", "cut at 8192", "request missing"])
def test_server_ends_at_once(kind: str, tmp_path: Path, whole: Path) -> None:
    make = DAMAGED.get(kind) or FOREIGN[kind][0]
    path = tmp_path / "visit.sqlite"
    make(path, whole)
    command = [sys.executable, "-m", "gms_replay.cli", "serve", path, "--port", "0"]

    told = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith(f"gms-replay: {path}: ")
    assert told.stderr.count("\n") == 1


def test_machines_read_all_damage(tmp_path: Path, whole: Path) -> None:
    path = tmp_path / "visit.sqlite"
    DAMAGED["text for a number"](path, whole)

    told = json.loads(run("check", "--json", path).stdout)

    assert {"table": "request", "id": 3, "column": "port", "text": "holds 'soon'"} in told["damaged"]
    requests = len(factories.visit().exchanges)
    assert {"table": "request", "readable": requests - 1, "rows": requests} in told["tables"]
