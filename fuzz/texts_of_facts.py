"""Any text as jsonl is refused by FormatError, or holds a recording that is the same, told and read again."""

from collections.abc import Iterator
from pathlib import Path

import factories

from gms_replay.errors import FormatError
from gms_replay.formats import jsonl


def one_input(data: bytes) -> None:
    """Raises AssertionError where the invariant breaks, and whatever is raised beside FormatError."""
    lines = data.decode("utf-8", "replace").split("\n")
    refusal = ""
    try:
        recording = jsonl.load(lines, "text.jsonl")
    except FormatError as error:
        refusal = str(error)
    assert "\n" not in refusal
    if refusal:
        return
    told = list(jsonl.dump(recording))
    assert all(len(line.splitlines()) == 1 for line in told)
    again = jsonl.load(told, "text.jsonl")
    assert again == recording
    assert list(jsonl.dump(again)) == told


def seeds() -> Iterator[bytes]:
    """Recordings of each format, and a whole visit."""
    for path in sorted(Path(__file__).parents[1].glob("tests/golden/*.jsonl")):
        yield path.read_bytes()
    yield "\n".join(jsonl.dump(factories.visit())).encode()
