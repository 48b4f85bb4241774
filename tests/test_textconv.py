"""`git diff` of a cassette, with the git of this machine, set up as the README says."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import factories
import pytest
from hand_edits import edit_on_purpose

from gms_replay.cassette.copy import write
from gms_replay.formats import jsonl
from gms_replay.model import Recording

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
ATTRIBUTES = "*.sqlite diff=gms"
CONFIG = """git config diff.gms.textconv "'$(command -v gms-replay)' textconv\""""

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="no git on PATH")


class Repository:
    """A repository with one committed cassette, `visit.sqlite`; `gms-replay` was on its PATH at the setup only."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "visit.sqlite"
        self._folder = folder
        own = str(Path(sys.executable).parent)
        path = os.pathsep.join(place for place in os.environ["PATH"].split(os.pathsep) if place != own)
        alone = {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "PATH": path}
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | alone
        self.git("init", "--quiet")
        (folder / ".gitattributes").write_text(f"{ATTRIBUTES}\n")
        active = self._env | {"PATH": os.pathsep.join((own, path))}
        subprocess.run(["sh", "-c", CONFIG], cwd=folder, env=active, check=True)
        write(self.file, factories.visit())
        self.git("add", ".")
        self.git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "visit")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self._folder, env=self._env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def changed(self) -> list[str]:
        """The lines that `git diff` says went or came."""
        lines = self.git("diff").splitlines()
        return [line for line in lines if line[:1] in ("-", "+") and line[:3] not in ("---", "+++")]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def reworded() -> Recording:
    text = "\n".join(jsonl.dump(factories.visit())).replace("How may I help?", "What is it?")
    return jsonl.load(text.replace("2014-05-02T16:", "2015-06-03T09:").split("\n"), "visit.jsonl")


def test_readme_says_how() -> None:
    assert ATTRIBUTES in README
    assert CONFIG in README


def test_changed_cassette_reads_as_text(repository: Repository) -> None:
    repository.file.unlink()
    write(repository.file, reworded())

    line = "    message.transcriptToShow.0.2: "
    assert repository.changed() == [f"-{line}How may I help?", f"+{line}What is it?"]


def test_cassette_in_wal_mode_is_read(repository: Repository) -> None:
    repository.file.unlink()
    write(repository.file, reworded())
    connection = sqlite3.connect(repository.file)
    connection.execute("PRAGMA journal_mode = WAL")
    # Whoever has read keeps the -wal from being moved into the file.
    connection.execute("SELECT * FROM run").fetchall()
    edit_on_purpose(repository.file, "UPDATE run SET mode = 'regular'")
    try:
        assert Path(f"{repository.file}-wal").exists()
        assert len(repository.changed()) == 2
    finally:
        connection.close()


def test_what_cannot_be_read_is_told(repository: Repository) -> None:
    whole = repository.file.read_bytes()
    repository.file.write_bytes(whole[: len(whole) // 2])
    cut_short = repository.changed()
    repository.file.write_text("no cassette")
    foreign = repository.changed()

    came = [[line for line in lines if line.startswith("+")] for lines in (cut_short, foreign)]
    assert [len(lines) for lines in came] == [2, 2]
    assert all(lines[0].startswith("+no text: ") and "/" not in lines[0] for lines in came)
    assert came[1][1].startswith("+11 bytes, SHA-256 ")
    assert len(foreign) > 20
