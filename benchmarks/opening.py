"""How long it takes to open a cassette to play a little of it, and to be sure of all of it.

The same facts in two files: closed by a recorder, so with a seal; and without it, as after a kill, where the checksum
of each row is counted. In each round both are opened in turn, in processes of their own.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from lookup import recording

from gms_replay.cassette import opening
from gms_replay.cassette.copy import write

KINDS = ("without seal", "sealed")

OPENED = """
import sys, time
from gms_replay.cassette.reader import hold
from gms_replay.visits import split

began_s = time.perf_counter()
with hold(sys.argv[1]) as facts:
    split(facts)
    facts.assure()
print(time.perf_counter() - began_s)
"""


def files(folder: Path, exchanges: int) -> dict[str, Path]:
    """The files, by their kinds."""
    found = {kind: folder / f"{kind}.sqlite" for kind in KINDS}
    for path in found.values():
        write(path, recording(exchanges))
    content = found["without seal"].read_bytes()
    found["without seal"].write_bytes(content[: opening.pages_end(content)])
    return found


def opened_s(path: Path) -> float:
    """How long it takes to open one."""
    told = subprocess.run([sys.executable, "-c", OPENED, str(path)], check=True, stdout=subprocess.PIPE, text=True)
    return float(told.stdout)


def main() -> None:
    """Measures, and prints the median of the rounds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--exchanges", type=int, default=100_000, help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="(default: %(default)s)")
    options = parser.parse_args()
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="gms-replay-") as folder:
        found = files(Path(folder), options.exchanges)
        for number in range(options.rounds):
            for kind in KINDS[:: 1 if number % 2 else -1]:
                took[kind].append(opened_s(found[kind]))
    ratio = statistics.median(map(float.__truediv__, took["sealed"], took["without seal"]))
    print(f"{options.exchanges:,} exchanges: to open a sealed cassette takes {ratio:.2f} of the time without its seal")


if __name__ == "__main__":
    main()
