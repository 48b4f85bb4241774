import base64
import gzip
import json
import os
import random
import sqlite3
from pathlib import Path

import pytest
from disguised import STAND_INS, People, visit_of
from factories import Tape

from gms_replay import marks
from gms_replay.cassette.copy import write
from gms_replay.errors import OptionError
from gms_replay.formats import har, jsonl
from gms_replay.rules import Rules
from gms_replay.scan import files
from gms_replay.scan.files import scan

OPAQUE = "Zk83hQx0Ypl2Wv7Tnb4S"


def places(file: Path) -> dict[str, tuple[str, ...]]:
    return {one.value: one.places for one in scan(file, Rules()).found}


def test_a_cassettes_facts_say_where_a_secret_stands(tmp_path):
    file = tmp_path / "visit.sqlite"
    write(file, visit_of(People()))
    found = places(file)
    assert found["k3yF0rTheVisit"][0] == "exchange 3, answer, field _user_action_url, query secureKey"
    assert found["Ann"][0] == "exchange 1, request, field first_name"
    assert found["bob@else.com"] == ("exchange 1, answer, field _text",)
    assert not any(place.startswith("byte") for some in found.values() for place in some)


def test_what_was_deleted_is_found_in_the_bytes(tmp_path):
    file = tmp_path / "visit.sqlite"
    write(file, visit_of(People()))
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("UPDATE request SET headers = replace(headers, 'Host', 'Hose')")
        connection.execute("DELETE FROM outcome WHERE exchange_id = 3" if has(connection) else "SELECT 1")
    connection.close()
    assert b"k3yF0rTheVisit" in file.read_bytes()
    assert "k3yF0rTheVisit" in places(file)


def has(connection: sqlite3.Connection) -> bool:
    return any(row[1] == "exchange_id" for row in connection.execute("PRAGMA table_info(outcome)"))


def test_jsonl_and_archives_are_read_as_facts(tmp_path):
    tape = Tape()
    told = base64.b64encode(b'{"secureKey": "sesame"}').decode()
    tape.ask(0, "POST", "/genesys/1/service/A1/connect", b"", {"secureKey": "sesame"})
    lines = tmp_path / "visit.jsonl"
    lines.write_text("\n".join(jsonl.dump(tape.recording())))
    assert places(lines)["sesame"] == ("exchange 1, answer, field secureKey",)
    archive = tmp_path / "visit.har"
    with archive.open("wb") as file:
        har.dump(tape.recording(), file, "1")
    said = json.loads(archive.read_bytes())
    said["log"]["entries"][0]["response"]["content"] |= {"text": told, "encoding": "base64"}
    archive.write_text(json.dumps(said))
    assert places(archive)["sesame"] == ("exchange 1, answer, field secureKey",)
    assert scan(archive, Rules()).facts


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", f"GET / HTTP/1.1\r\napikey: {OPAQUE}\r\n".encode()),
        ("other.json", json.dumps({"secureKey": OPAQUE}).encode()),
        ("left.sqlite-wal", b"\x00\x01" + f'["apikey", "{OPAQUE}"]'.encode()),
        ("packed.bin", b"\x00\x01" + gzip.compress(f"apikey: {OPAQUE}\n".encode(), mtime=0)),
        ("body.gz", gzip.compress(json.dumps({"token": OPAQUE}).encode(), mtime=0)),
        ("flow", f"12:\napikey: {OPAQUE}\n".encode()),
        ("empty.har", f'{{"log": {{"apikey": "{OPAQUE}"}}}}'.encode()),
    ],
)
def test_any_other_file_is_gone_through_by_its_bytes(tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content)
    (found,) = scan(file, Rules()).found
    assert (found.value, found.places[0].partition(" ")[0], scan(file, Rules()).facts) == (OPAQUE, "byte", False)


def test_large_files_are_read_in_windows(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_WINDOW", 1000)
    monkeypatch.setattr(files, "_OVERLAP", 200)
    file = tmp_path / "large.log"
    for at in (0, 700, *range(960, 1003), 1195, 3333):
        text = f"apikey: {OPAQUE}\n"
        file.write_text("\n" * at + text + "\n" * 1500)
        assert places(file) == {OPAQUE: (f"byte {at + 8}",)}


def test_what_a_border_cuts_is_told_once_and_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_WINDOW", 1000)
    monkeypatch.setattr(files, "_OVERLAP", 200)
    file = tmp_path / "large.log"
    file.write_bytes(b"\n" * 995 + b"somebody@home.com" + b"\n" * 1500)
    assert places(file) == {"somebody@home.com": ("byte 995",)}
    file.write_bytes(b"\n" * 999 + gzip.compress(f"apikey: {OPAQUE}".encode(), mtime=0) + b"\n" * 1500)
    assert places(file) == {OPAQUE: ("byte 999",)}


def packed(*, size: int = 0) -> bytes:
    """A secret, and behind it what packs badly, so many bytes of it."""
    return gzip.compress(f"apikey: {OPAQUE}\n".encode() + random.Random(1).randbytes(size).hex().encode(), mtime=0)


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(packed(size=5000)[:400] + b"\xff\xff\xff\xff" + packed(size=5000)[400:], id="foreign bytes in it"),
        pytest.param(packed()[:-8] + bytes(8), id="another checksum"),
        pytest.param(packed(size=5000)[:-400], id="cut off"),
    ],
)
def test_what_is_packed_is_read_up_to_its_damage(tmp_path, damaged):
    file = tmp_path / "left.sqlite-wal"
    file.write_bytes(b"\x00\x01" + damaged)
    assert places(file) == {OPAQUE: ("byte 2",)}


def test_what_is_packed_ends_in_another_window(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_WINDOW", 1000)
    monkeypatch.setattr(files, "_OVERLAP", 200)
    file = tmp_path / "body.gz"
    text = random.Random(1).randbytes(5000).hex() + f"\napikey: {OPAQUE}\n"
    file.write_bytes(gzip.compress(text.encode(), mtime=0))
    assert places(file) == {OPAQUE: ("byte 0",)}


def test_what_is_packed_and_too_large_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_MOST_UNPACKED", 1 << 20)
    file = tmp_path / "body.gz"
    file.write_bytes(gzip.compress(f"apikey: {OPAQUE}\n".encode() + bytes((1 << 20) + 1), mtime=0))
    scanned = scan(file, Rules())
    assert [one.value for one in scanned.found] == [OPAQUE]
    assert scanned.remark == "gzip at byte 0 holds more than 1 MiB; only so much of it was looked at"


def test_a_damaged_cassette_is_gone_through_by_its_bytes(tmp_path):
    file = tmp_path / "visit.sqlite"
    write(file, visit_of(People()))
    file.write_bytes(file.read_bytes()[:-4096])
    scanned = scan(file, Rules())
    assert not scanned.facts
    assert scanned.remark.endswith("only its bytes were looked at")
    assert "k3yF0rTheVisit" in {one.value for one in scanned.found}


def test_a_redacted_cassette_holds_none(tmp_path):
    file = tmp_path / "visit.sqlite"
    who = People(
        *(marks.marked(one) for one in ("Kbu", "Naxo", "+4915198765432")),
        f"{marks.marked('fghij')}@lmno.example",
        *(marks.marked(one) for one in ("Pwxazu", STAND_INS.key, "90715")),
        f"{marks.marked('qrstu')}@tuvw.example",
        marks.marked("Lopq"),
    )
    write(file, visit_of(who))
    assert set(places(file)) <= {"bob@example.com", "stan@example.com", "Stan"}


def test_other_phone_numbers_have_to_be_valid(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("+49151\u00a012345678 and +99912345678, +1234567")
    assert list(places(file)) == ["+49151\u00a012345678"]


def test_folders_are_gone_through_and_what_stands_beside_a_cassette(tmp_path):
    for name in ("a.sqlite", "a.sqlite-wal", "in/b.txt", ".git/c", "other.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    named = [one.relative_to(tmp_path).as_posix() for one in files.files([tmp_path, tmp_path / "other.txt"])]
    assert named == ["a.sqlite", "a.sqlite-wal", "in/b.txt", "other.txt"]
    assert [one.name for one in files.files([tmp_path / "a.sqlite"])] == ["a.sqlite", "a.sqlite-wal"]


def test_what_is_not_there_is_said(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OptionError, match="neither a file nor a folder"):
        list(files.files([tmp_path / "pipe"]))
    with pytest.raises(OptionError, match="there is nothing"):
        list(files.files([tmp_path / "missing"]))
    with pytest.raises(OptionError, match="cannot be read"):
        scan(tmp_path / "missing", Rules())


def test_what_is_named_and_holds_nothing_is_said(tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "empty.txt").touch()
    assert [one.removeprefix(f"{tmp_path}/") for one in files.empty([tmp_path / "none", tmp_path / "empty.txt"])] == [
        "none: there is no file in it, so nothing was looked at",
        "empty.txt: is empty, so nothing was looked at",
    ]
    assert list(files.empty([tmp_path])) == []


@pytest.mark.parametrize(
    ("value", "is_told"),
    [
        ("Zk83hQx0Ypl2Wv7Tnb4S", True),
        ("83hQx0Yp", True),
        ("k83hQx0", True),
        ("Ypl2Wv7Tnb4S", True),
        ("b4S", True),
        ("xZk83hQx0Ypl2Wv7Tnb4Syz", True),
        ("xZk83hQx0Ypl2Wv7Tnb4Syz" + "y" * 18, False),
        ("Zk83hQx0Ypl2Wv7Tnb4T", False),
        ("83hQx1Yp", False),
        ("Annx", True),
        ("Alx", False),
        ("Al", True),
    ],
)
def test_what_facts_tell_is_known_cut_and_joined(value, is_told):
    told = files.Told()
    for one in (OPAQUE, OPAQUE, "Ann", "Al"):
        told.add(one)
    assert (value in told) is is_told
