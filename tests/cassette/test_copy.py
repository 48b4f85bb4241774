import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from gms_replay.cassette.copy import write
from gms_replay.cassette.reader import read
from gms_replay.errors import CassetteError
from gms_replay.model import Direction, Message, Push, Recording, Run, Transport

recordings = runpy.run_path(str(Path(__file__).with_name("recordings.py")))["recordings"]

RUN = Run(7, 1, "regular", None, ())


@given(recordings())
@settings(max_examples=50, deadline=None)
def test_any_recording_comes_back(recording):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "visit.sqlite")
        write(path, recording)

        assert read(path) == recording
        assert os.listdir(folder) == ["visit.sqlite"]


def test_existing_file_is_kept(tmp_path):
    path = tmp_path / "visit.sqlite"
    path.write_bytes(b"precious")

    with pytest.raises(CassetteError, match=r"visit\.sqlite: exists already; remove it, or name another file"):
        write(path, Recording())

    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["visit.sqlite"]


@pytest.mark.parametrize(
    ("recording", "problem"),
    [
        (Recording(runs=(RUN, RUN)), "UNIQUE constraint failed: run.id"),
        (Recording(pushes=(Push(1, 9, None, "apns", 1, b""),)), "push 1 belongs to a run that is not there; add that"),
        (
            Recording((RUN,), (), (Message(1, 2, Direction.TO_SERVER, Transport.WEBSOCKET, 1, 0, "/a", b""),)),
            "message 1 belongs to a request that is not there; add that, or leave this out",
        ),
        (Recording(runs=(Run(1, 2**63, "regular", None, ()),)), "Python int too large to convert to SQLite INTEGER"),
    ],
)
def test_bad_recording_leaves_nothing(tmp_path, recording, problem):
    path = tmp_path / "visit.sqlite"

    with pytest.raises(CassetteError) as refused:
        write(path, recording)

    assert str(refused.value).startswith(f"{path}: cannot be written: {problem}")
    assert type(refused.value) is CassetteError
    assert os.listdir(tmp_path) == []


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(
        CassetteError, match=r"visit\.sqlite: cannot be written: No such file or directory; check folder"
    ):
        write(tmp_path / "nowhere" / "visit.sqlite", Recording())


FULL_DISK = """
import resource
from gms_replay.cassette.copy import write
from gms_replay.errors import CassetteError
from gms_replay.model import Push, Recording, Run

resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    write("visit.sqlite", Recording((Run(1, 1, "", None, ()),), pushes=(Push(1, 1, None, "", 1, bytes(300_000)),)))
except CassetteError as error:
    print(error)
"""


def test_full_disk_leaves_nothing(tmp_path):
    command = [sys.executable, "-c", FULL_DISK]

    told = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True).stdout

    assert told.startswith("visit.sqlite: cannot be written: ")
    assert os.listdir(tmp_path) == []
