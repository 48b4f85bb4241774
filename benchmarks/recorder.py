"""What recording costs: mitmdump bare, with its own `-w`, and with a recorder that redacts or not, of equal load.

Only ratios of one round are told: on a shared machine a time by itself says nothing. Two processes of the same program
may differ by some percent for as long as they live, so each round starts its own. The machine is faster in one second
than in the next, so within a round they take turns, with a slice of the load each, in an order that goes through all.
A second bare mitmdump shows what all this noise comes to.
"""

import argparse
import json
import platform
import signal
import sqlite3
import statistics
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from itertools import cycle, pairwise, permutations
from typing import Any

from processes import AGAIN, BARE, OWN, PLAIN, RECORDER, Mitmdump, mitmdumps

PADDING_BYTES = {"small": 0, "large": 50_000}
KINDS = (BARE, AGAIN, OWN, RECORDER, PLAIN)
WHATS = ("time", "proxy cpu", "all cpu")
WARM_UP = 300
# What is written is written up to half a second late. So each turn begins with exchanges that are not timed: then the
# writer is as busy with those as it will be, in another's untimed exchanges, with what is timed.
LEAD = 200
SLICE = 300
# By then what was recorded is on disk.
SETTLE_S = 1.0

Report = dict[str, Any]
"""One of the report's parts, as `--json` prints it."""


def throughput(rounds: int, exchanges: int, bodies: str) -> Report:
    """What bare mitmdump took in each round ÷ what another took: 1 is as good as bare, less is worse."""
    shares: dict[str, dict[str, list[float]]] = {kind: {what: [] for what in WHATS} for kind in KINDS[1:]}
    for number in range(rounds):
        turn = number % len(KINDS)
        with mitmdumps(KINDS[turn:] + KINDS[:turn], PADDING_BYTES[bodies]) as started:
            took_s = _round(started, exchanges)
        for kind, found in shares.items():
            for what, bare_s, each_s in zip(WHATS, took_s[BARE], took_s[kind], strict=True):
                found[what].append(bare_s / each_s)
    told = {
        kind: {what: {"rounds": each, "quartiles": _quartiles(each)} for what, each in found.items()}
        for kind, found in shares.items()
    }
    return {"rounds": rounds, "exchanges": exchanges, "bodies": bodies, "against_bare": told}


def _round(started: dict[str, Mitmdump], exchanges: int) -> dict[str, tuple[float, ...]]:
    """What each took for so many exchanges, in the order of WHATS."""
    for each in started.values():
        each.passed_s("exchanges", min(WARM_UP, exchanges))
    time.sleep(SETTLE_S)
    before_s = {kind: each.cpu_s() for kind, each in started.items()}
    passed_s = dict.fromkeys(started, 0.0)
    for order, done in zip(cycle(permutations(started)), range(0, exchanges, SLICE), strict=False):
        for kind in order:
            started[kind].passed_s("exchanges", min(LEAD, exchanges))
            passed_s[kind] += started[kind].passed_s("exchanges", min(SLICE, exchanges - done))
    time.sleep(SETTLE_S)
    return {kind: (passed_s[kind], *_used_s(before_s[kind], each.cpu_s())) for kind, each in started.items()}


def _used_s(before_s: tuple[float, ...], after_s: tuple[float, ...]) -> Iterator[float]:
    for before, after in zip(before_s, after_s, strict=True):
        # Of a very short round no tick may be counted.
        yield max(after - before, 0.01)


def memory(kind: str, most: int, steps: int) -> Report:
    """What mitmdump has in memory, bare and with the recorder, after so many exchanges or frames on one WebSocket."""
    counts = [most * step // steps for step in range(1, steps + 1)]
    bytes_by_kind: dict[str, list[int]] = {BARE: [], RECORDER: []}
    with mitmdumps(tuple(bytes_by_kind), 0) as started:
        for before, now in pairwise((0, *counts)):
            for name, each in started.items():
                each.passed_s(kind, now - before)
                bytes_by_kind[name].append(each.memory_bytes())
    first = max((steps + 3) // 4 - 1, 0)
    passed = max(counts[-1] - counts[first], 1)
    growth = {name: round((found[-1] - found[first]) * 1000 / passed) for name, found in bytes_by_kind.items()}
    return {"kind": kind, "counts": counts, "bytes": bytes_by_kind, "bytes_per_1000_after_first_quarter": growth}


def throughput_table(told: Report) -> Iterator[str]:
    load = f"{told['rounds']} rounds of {told['exchanges']:,} exchanges, {told['bodies']} bodies"
    yield f"\nShare of bare mitmdump: {load}\n"
    columns = [(kind, what) for kind in KINDS[1:] for what in WHATS]
    yield f"| round | {' | '.join(f'{kind}, {what}' for kind, what in columns)} |"
    yield "|---" * (len(columns) + 1) + "|"
    found = [told["against_bare"][kind][what] for kind, what in columns]
    for number, shares in enumerate(zip(*(each["rounds"] for each in found), strict=True)):
        yield f"| {number + 1} | {' | '.join(f'{share:.3f}' for share in shares)} |"
    for place, name in enumerate(("lower quartile", "median", "upper quartile")):
        shares = (f"{each['quartiles'][place]:.3f}" for each in found)
        yield f"| {name} | {' | '.join(shares)} |"


def memory_table(told: Report) -> Iterator[str]:
    yield f"\nMemory in MiB after so many {told['kind']}\n"
    yield f"| {told['kind']} | {' | '.join(told['bytes'])} |"
    yield "|---" * (len(told["bytes"]) + 1) + "|"
    for count, *found in zip(told["counts"], *told["bytes"].values(), strict=True):
        yield f"| {count:,} | {' | '.join(f'{each / (1 << 20):.1f}' for each in found)} |"
    growth = told["bytes_per_1000_after_first_quarter"].values()
    yield f"| growth per 1,000 after the first quarter, KiB | {' | '.join(f'{each / 1024:.1f}' for each in growth)} |"


def machine() -> Report:
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "mitmproxy": version("mitmproxy"),
        "sqlite": sqlite3.sqlite_version,
    }


def _quartiles(found: list[float]) -> list[float]:
    return statistics.quantiles(found, n=4, method="inclusive") if len(found) > 1 else found * 3


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=24, help="of throughput; 0 for none (default: %(default)s)")
    parser.add_argument("--exchanges", type=int, default=600, help="in each round (default: %(default)s)")
    parser.add_argument("--bodies", choices=PADDING_BYTES, default="small", help="(default: %(default)s)")
    parser.add_argument("--memory", type=int, default=20_000, help="exchanges; 0 for none (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=50_000, help="on one WebSocket; 0 for none (%(default)s)")
    parser.add_argument("--steps", type=int, default=10, help="samples of memory (default: %(default)s)")
    parser.add_argument("--limit-s", type=int, default=3600, help="give up after so long (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="the report as JSON instead of Markdown")
    return parser.parse_args()


def _parts(asked: argparse.Namespace) -> Iterator[tuple[str, Report, Iterator[str]]]:
    """Each part of the report that was asked for: its name, the part, and its table."""
    if asked.rounds:
        told = throughput(asked.rounds, asked.exchanges, asked.bodies)
        yield "throughput", told, throughput_table(told)
    for kind, most in (("exchanges", asked.memory), ("frames", asked.frames)):
        if most:
            told = memory(kind, most, asked.steps)
            yield f"memory_{kind}", told, memory_table(told)


def _give_up(number: int, _: object) -> None:
    # An exception, so that all that was started is ended.
    sys.exit(f"benchmark ended by {signal.Signals(number).name}")


def main() -> None:
    asked = _options()
    for ending in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(ending, _give_up)
    signal.alarm(asked.limit_s)
    report: Report = {"machine": machine()}
    if not asked.json:
        print(", ".join(f"{name} {told}" for name, told in report["machine"].items()), flush=True)
    for name, told, table in _parts(asked):
        report[name] = told
        if not asked.json:
            print("\n".join(table), flush=True)
    if asked.json:
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
