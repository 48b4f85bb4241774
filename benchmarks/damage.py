"""Flips every byte of a small cassette, and cuts it at every length, and reads what is left.

There are two: one that was closed, and one whose recorder was killed, with its -wal. Each damaged file must be refused
in one of our own errors, or read as the recording that it was. Of the second what was written last may also be missing,
where that is said: its last frame looks as if it had never been written.
"""

import argparse
import logging
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gms_replay.cassette import reader
from gms_replay.cassette.copy import write
from gms_replay.cassette.integrity import examine
from gms_replay.errors import CassetteError
from gms_replay.model import Recording

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"

KILLED = """
import os, signal, sys
from gms_replay.cassette.reader import read
from gms_replay.cassette.writer import Writer

writer = Writer(sys.argv[2], started_at_us=1, mode="regular", upstream=None, versions=())
for exchange in read(sys.argv[1]).exchanges[:3]:
    number = writer.begin_exchange()
    writer.request(number, exchange.request)
    writer.drain()
    if exchange.outcome:
        writer.outcome(number, exchange.outcome)
    writer.push(number, "apns", 5, b"{}")
    writer.drain()
os.kill(os.getpid(), signal.SIGKILL)
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One damage: of the file with this suffix, a bit flipped in the byte `at`, or all from there on cut off."""

    suffix: str
    at: int
    mask: int = 0

    def __str__(self) -> str:
        how = f"flipped by {self.mask:#04x}" if self.mask else "cut off"
        return f"the cassette{self.suffix} {how} at {self.at}"


class Sample:
    """A whole cassette: its files, by what their names end in, and what it holds."""

    def __init__(self, path: Path) -> None:
        found = {suffix: path.with_name(path.name + suffix) for suffix in ("", "-wal")}
        self.files = {suffix: file.read_bytes() for suffix, file in found.items() if file.exists()}
        self.recording = reader.read(path)

    def cases(self, dice: random.Random) -> Iterator[Case]:
        """Every byte, and every length."""
        places = [(suffix, at) for suffix, content in self.files.items() for at in range(len(content))]
        yield from (Case(suffix, at, 1 << dice.randrange(8)) for suffix, at in places)
        yield from (Case(suffix, at) for suffix, at in places)


class Ears(logging.Handler):
    """Whether it was said that something may be missing."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = False

    def emit(self, record: logging.LogRecord) -> None:
        self.heard = self.heard or "may be missing" in record.getMessage()


def closed(folder: Path) -> Sample:
    """A cassette with every kind of fact."""
    path = folder / "closed.sqlite"
    write(path, reader.read(GOLDEN / "v3.sqlite"))
    return Sample(path)


def killed(folder: Path) -> Sample:
    """A cassette of several commits, all in its -wal."""
    path = folder / "killed.sqlite"
    subprocess.run([sys.executable, "-c", KILLED, str(GOLDEN / "v1.sqlite"), str(path)], check=False)
    return Sample(path)


def verdict(sample: Sample, case: Case, folder: Path) -> str:
    """What becomes of a damaged cassette: `refused`, `same`, `shorter, and said`; or what is wrong."""
    path = folder / "visit.sqlite"
    for suffix, content in sample.files.items():
        path.with_name(path.name + suffix).write_bytes(_damaged(content, case) if suffix == case.suffix else content)
    for suffix in ("-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    ears = Ears()
    logging.getLogger("gms_replay").addHandler(ears)
    try:
        return _judged(sample.recording, path, ears)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        logging.getLogger("gms_replay").removeHandler(ears)


def _damaged(content: bytes, case: Case) -> bytes:
    if not case.mask:
        return content[: case.at]
    return content[: case.at] + bytes([content[case.at] ^ case.mask]) + content[case.at + 1 :]


def _judged(whole: Recording, path: Path, ears: Ears) -> str:
    try:
        found = reader.read(path)
    except CassetteError as error:
        return _refused(error, path)
    if found == whole:
        return "same"
    if not _is_part(found, whole):
        return "another recording"
    return "shorter, and said" if ears.heard else "shorter in silence"


def _refused(error: CassetteError, path: Path) -> str:
    if "\n" in str(error):
        return f"an error of several lines: {error}"
    try:
        return "refused" if examine(path).flaws else f"check finds nothing, read says: {error}"
    except CassetteError:
        return "refused"


def _is_part(found: Recording, whole: Recording) -> bool:
    """Whether all that was found was recorded, though perhaps more."""
    exchanges = {one.id: one for one in whole.exchanges}
    for one in found.exchanges:
        if one.id not in exchanges or one not in (exchanges[one.id], replace(exchanges[one.id], outcome=None)):
            return False
    kinds = ((found.runs, whole.runs), (found.messages, whole.messages), (found.pushes, whole.pushes))
    return all(set(some) <= set(all_of_them) for some, all_of_them in kinds)


FINE = ("refused", "same", "shorter, and said")


def main() -> None:
    """Tries all, and prints what became of them. Exits 1 where a damage was not found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="which bit of each byte (default: %(default)s)")
    parser.add_argument("--every", type=int, default=1, help="try one of so many (default: %(default)s)")
    options = parser.parse_args()
    logging.getLogger("gms_replay").propagate = False
    wrong = 0
    print("| cassette | damaged | refused | same | shorter, and said | wrong |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="gms-replay-") as name:
        folder, place = Path(name), Path(name, "damaged")
        place.mkdir()
        for make in (closed, killed):
            sample = make(folder)
            dice = random.Random(options.seed)
            found: Counter[str] = Counter()
            for number, case in enumerate(sample.cases(dice)):
                if number % options.every:
                    continue
                became = verdict(sample, case, place)
                found[became] += 1
                if became not in FINE:
                    print(f"{case}: {became}", file=sys.stderr)
            bad = sum(count for became, count in found.items() if became not in FINE)
            told = " | ".join(f"{found[became]:,}" for became in FINE)
            print(f"| {make.__name__} | {found.total():,} | {told} | {bad:,} |", flush=True)
            wrong += bad
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
