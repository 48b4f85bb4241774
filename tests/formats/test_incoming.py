import re
from pathlib import Path

import pytest

from gms_replay.cassette.reader import read
from gms_replay.errors import FormatError, OptionError
from gms_replay.formats import incoming, jsonl
from gms_replay.formats.foreign import Gathered
from gms_replay.model import Recording

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "cassettes").glob("*.sqlite")) + sorted((ROOT / "tests" / "golden").glob("*.sqlite"))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_text_returns_to_the_byte(sample):
    text = "\n".join(jsonl.dump(read(sample)))

    found = incoming.load(text.encode(), "visit.jsonl", None, "1")

    assert "\n".join(jsonl.dump(found.recording)) == text
    assert not found.left_out


def test_hosts_are_for_foreign_files():
    with pytest.raises(OptionError, match=r"--hosts: visit\.jsonl is neither HAR nor a flow file"):
        incoming.load(b"{}", "visit.jsonl", re.compile("."), "1")


@pytest.mark.parametrize("content", [b"", b"\xff", b"SQLite format 3\0", b"12", b"{"])
def test_anything_else_is_named(content):
    with pytest.raises(FormatError, match=r"^source"):
        incoming.load(content, "source", None, "1")


@pytest.mark.parametrize("start", ["", "\ufeff", " \r\n"])
def test_archive_is_known_by_its_log(start):
    content = f'{start}{{\n "log": {{"entries": []}}}}'.encode()

    assert incoming.load(content, "visit.har", re.compile("."), "1") == Gathered(Recording())
