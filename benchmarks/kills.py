"""Kills a recorder at seeded moments, under load, and looks at what it leaves.

The recorder is what runs in mitmproxy, without mitmproxy: a process that tells exchanges, and the writer process that
it starts, which redacts or not. Killed is either, or both. After each kill the cassette must read, hold every exchange
that was said to be on disk, and nothing that is half or that was not told; `check` must find nothing, and another
recorder must go on. Where it redacts, no file of it has what is secret.
"""

import argparse
import logging
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from os import kill
from pathlib import Path

from gms_replay.cassette.integrity import examine
from gms_replay.cassette.reader import read
from gms_replay.cassette.writer import Writer
from gms_replay.model import Exchange, Redaction

KINDS = ("proxy", "writer", "both")

_MOST_ROUNDS = 6
_MOST_PAUSE_S = 0.08
_SECRET = b"SECRET"

PROXY = """
import asyncio, random, sys
from pathlib import Path
from gms_replay.cassette.extent import Limits
from gms_replay.mitmdump.seen import Answer, Asked, Ended
from gms_replay.model import Redaction
from gms_replay.record.protocol import Begin
from gms_replay.record.writer_process import WriterProcess
from gms_replay.redact.wishes import Wish

def content(number):
    return b"%d," % number * (number * 37 % 3000)

async def main(cassette, seed, redact):
    dice = random.Random(seed)
    begin = Begin(Path(cassette), Limits(), "regular", None, (), False, Wish(Redaction(redact)))
    writer = WriterProcess(begin, asyncio.get_running_loop(), lambda _: None)
    print("ready", flush=True)
    number = 0
    while True:
        for number in range(number + 1, number + dice.randrange(2, 60)):
            path, peer = b"/%d" % number, ("192.0.2.7", 5)
            asks = ((b"apikey", b"SECRET%dsecret" % number),)
            told = (b"POST", b"http", "gms.example", 80, path, b"HTTP/1.1", b"", asks, content(number), 1.0, 1.0, peer)
            writer.tell(Asked(number, "", *told))
            tells = ((b"Set-Cookie", b"JSESSIONID=SECRET%dsecret" % (number // 5)),)
            answer = Answer(200, b"OK", b"HTTP/1.1", tells, content(number + 1), 2.0, 3.0)
            writer.tell(Ended(number, 3.0, answer, None, False))
        await writer.flushed()
        print(number, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@dataclass(frozen=True, slots=True)
class Kill:
    """Which process is killed when: after so many times that all was said to be on disk, and a pause."""

    seed: int
    kind: str
    redaction: Redaction
    rounds: int
    pause_s: float


def drawn(seed: int) -> Kill:
    """The kill of a seed."""
    dice = random.Random(seed)
    redaction = (Redaction.OFF, Redaction.ON)[seed // len(KINDS) % 2]
    return Kill(seed, KINDS[seed % len(KINDS)], redaction, dice.randrange(_MOST_ROUNDS), dice.uniform(0, _MOST_PAUSE_S))


def flaw_after(told: Kill, path: Path) -> str | None:
    """What is wrong with the cassette after a kill, if anything is."""
    on_disk = _killed(told, path)
    telling = [one.name for one in path.parent.iterdir() if _SECRET in one.read_bytes()]
    # That it is found where nothing redacts shows that the look finds it.
    if telling if told.redaction is Redaction.ON else on_disk and not telling:
        return f"{telling} tell what is secret"
    found = read(path)
    numbers = [int(exchange.request.target[1:]) for exchange in found.exchanges]
    if numbers != list(range(1, len(numbers) + 1)):
        return f"{numbers} are there"
    if len(numbers) < on_disk or any(exchange.unfinished for exchange in found.exchanges[:on_disk]):
        return f"{on_disk} exchanges were on disk, {len(numbers)} are there"
    if half := [one.id for one in found.exchanges if not _is_whole(one)]:
        return f"{half} are half"
    if flaws := examine(path).flaws:
        return str(flaws[0])
    Writer(path, started_at_us=9, mode="regular", upstream=None, versions=()).close()
    if read(path).exchanges != found.exchanges or examine(path).flaws:
        return "another recorder changed it"
    return None


def _killed(told: Kill, path: Path) -> int:
    """Runs the recorder until it is killed, and all of it is gone; how many exchanges were said to be on disk."""
    command: Sequence[str] = [sys.executable, "-c", PROXY, str(path), str(told.seed), told.redaction]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout is not None
        assert proxy.stderr is not None
        assert proxy.stdout.readline() == "ready\n", proxy.stderr.read()
        (writer,) = Path(f"/proc/{proxy.pid}/task/{proxy.pid}/children").read_text().split()
        said = ["0", *(proxy.stdout.readline() for _ in range(told.rounds))]
        time.sleep(told.pause_s)
        for kind, number in (("proxy", proxy.pid), ("writer", int(writer))):
            # One ends by itself when the other is gone.
            with suppress(ProcessLookupError):
                if told.kind in (kind, "both"):
                    kill(number, signal.SIGKILL)
        said += proxy.stdout.read().split()
        # Both have it open.
        proxy.stderr.read()
    return int(said[-1])


def _is_whole(exchange: Exchange) -> bool:
    number = int(exchange.request.target[1:])
    is_asked = exchange.request.body.wire == _content(number)
    return is_asked and (exchange.response is None or exchange.response.body.wire == _content(number + 1))


def _content(number: int) -> bytes:
    return b"%d," % number * (number * 37 % 3000)


def main() -> None:
    """Kills as often as asked, and prints how often what was killed, and what was wrong. Exits 1 where anything was."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=1000, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the first of them (default: %(default)s)")
    options = parser.parse_args()
    # That a recorder was killed is no news here.
    logging.disable(logging.WARNING)
    killed: Counter[tuple[str, str]] = Counter()
    wrong: Counter[tuple[str, str]] = Counter()
    for seed in range(options.seed, options.seed + options.kills):
        told = drawn(seed)
        with tempfile.TemporaryDirectory(prefix="gms-replay-") as folder:
            flaw = flaw_after(told, Path(folder, "visit.sqlite"))
        killed[told.kind, told.redaction] += 1
        if flaw:
            wrong[told.kind, told.redaction] += 1
            print(f"{told}: {flaw}", file=sys.stderr)
    print("| killed | redact | times | wrong |\n|---|---|---|---|")
    for (kind, redaction), times in sorted(killed.items()):
        print(f"| {kind} | {redaction} | {times:,} | {wrong[kind, redaction]:,} |")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
