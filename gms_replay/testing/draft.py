"""A cassette that is recorded by a test: under another name until the test has passed."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gms_replay.cassette import copy, opening, reader
from gms_replay.cassette.counts import Counts, count
from gms_replay.errors import CassetteError, StoryError
from gms_replay.story import compile_stories


@contextmanager
def draft(cassette: Path, is_wanted: Callable[[], bool], *, adds: bool, keeps_unwanted: bool) -> Iterator[Path]:
    """A name beside the cassette to record under; at the end, what is there takes the cassette's place, if wanted.

    `adds`: it begins with what the cassette holds, and only takes its place where more came. `keeps_unwanted`: what is
    not wanted is kept, as `failed` names it; else it goes, and so it does where the block fails. Raises CassetteError
    where nothing can be played of it.
    """
    part = cassette.with_name(f".{cassette.stem}.{os.getpid()}{cassette.suffix}")
    with opening.errors_named(cassette, "written"):
        cassette.parent.mkdir(parents=True, exist_ok=True)
        opening.remove(part)
    try:
        if adds:
            copy.write(part, reader.read(cassette))
        before = _facts(part) if adds else None
        yield part
        if is_wanted():
            if adds and _facts(part) == before:
                return
            _require_story(part, cassette)
            _move(part, cassette)
        elif keeps_unwanted and part.exists():
            _move(part, failed(cassette))
    finally:
        opening.remove(part)


def _facts(part: Path) -> Counts:
    """What there is but for runs: one more is begun in any case."""
    return replace(count(part), runs=0)


def _move(part: Path, cassette: Path) -> None:
    with opening.errors_named(cassette, "written"):
        part.replace(cassette)


def failed(cassette: Path) -> Path:
    """Where the recording of a failed test is kept."""
    return cassette.with_name(f"{cassette.stem}.failed{cassette.suffix}")


def _require_story(part: Path, cassette: Path) -> None:
    try:
        compile_stories(reader.read(part))
    except StoryError as error:
        raise CassetteError(f"{cassette}: not recorded: {error}; does the app go to gms_server.base_url?") from None
