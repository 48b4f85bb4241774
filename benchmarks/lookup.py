"""Whether a cassette's size slows its answers down: a small one and a large one side by side, and mitmproxy's replay.

Each server plays visits of ten exchanges; an app opens one, and asks for its place in the queue again and again. How
long a server takes to start counts to its first answer.
"""

import argparse
import json
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from mitmproxy import http
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow
from processes import MITMDUMP

from gms_replay.cassette.copy import write
from gms_replay.model import Body, Exchange, Outcome, Recording, Request, Response, Run

CALLBACK = "/genesys/1/service/callback/sales"
PER_VISIT = 10
SMALL = 100
KINDS = ("small", "large", "mitmproxy")
_START_US = 1_399_048_050_000_000
_HEADERS = (("Content-Type", "application/json;charset=UTF-8"),)


def service(number: int) -> str:
    return f"3SQI3S31693JL9L3R0O5O6{number:010d}"


def queue(number: int) -> str:
    return f"/genesys/1/service/{service(number)}/check-queue-position"


def recording(count: int) -> Recording:
    """So many exchanges: callbacks, each with polls of its queue."""
    exchanges = []
    for index in range(count):
        visit, place = divmod(index, PER_VISIT)
        at_us = _START_US + (visit * 60 + place) * 1_000_000
        method, target = ("GET", queue(visit)) if place else ("POST", CALLBACK)
        told: dict[str, Any] = {"_position": str(PER_VISIT - place), "_eta": "60"} if place else {"_id": service(visit)}
        named = (("Host", "gms.example:8080"), ("gms_user", f"user{visit}@example.com"))
        peer = "192.0.2.7:50000"
        request = Request(method, "http", "gms.example", 8080, target, "HTTP/1.1", named, Body(), at_us, at_us, peer)
        response = Response(200, "OK", "HTTP/1.1", _HEADERS, Body(json.dumps(told).encode()), at_us, at_us)
        exchanges.append(Exchange(index + 1, 1, request, Outcome(at_us, response)))
    return Recording((Run(1, _START_US, "reverse", None, ()),), tuple(exchanges))


def write_flows(path: Path, recorded: Recording) -> None:
    """The same for mitmproxy."""
    with path.open("wb") as file:
        writer = FlowWriter(file)
        for exchange in recorded.exchanges:
            flow, response = tflow.tflow(resp=True), exchange.response
            assert response is not None
            url = f"http://127.0.0.1:9{exchange.request.target}"
            flow.request = http.Request.make(exchange.request.method, url)
            flow.response = http.Response.make(200, response.body.plain, {"content-type": "application/json"})
            writer.add(flow)


@contextmanager
def serving(command: list[str], ready: str) -> Iterator[str]:
    """The origin of a server, which its output tells."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            found = next(found for line in process.stdout if (found := re.search(ready, line)))
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.send_signal(signal.SIGTERM)


def replaying(cassette: Path) -> tuple[list[str], str]:
    return [sys.executable, "-m", "gms_replay.cli", "serve", str(cassette), "--port", "0"], r"app: http://[^:]+:(\d+)"


def mitmproxying(flows: Path) -> tuple[list[str], str]:
    options = ("server_replay_reuse=true", "connection_strategy=lazy", "server_replay_extra=404", "flow_detail=0")
    told = [part for option in options for part in ("--set", option)]
    mode = ("--mode", "reverse:http://127.0.0.1:9@127.0.0.1:0")
    return [str(MITMDUMP), *mode, "--server-replay", str(flows), *told], r"listening at 127\.0\.0\.1:(\d+)"


def answers_s(app: httpx.Client, target: str, count: int) -> float:
    """How long so many answers take."""
    began_s = time.perf_counter()
    for _ in range(count):
        assert app.get(target).status_code == 200
    return time.perf_counter() - began_s


def measure(exchanges: int, rounds: int, count: int, folder: Path) -> tuple[dict[str, float], dict[str, list[float]]]:
    """How long each server takes to start, and to answer in each round."""
    commands = {}
    for kind, size in (("small", SMALL), ("large", exchanges)):
        write(folder / f"{kind}.sqlite", recording(size))
        commands[kind] = replaying(folder / f"{kind}.sqlite")
    write_flows(folder / "large.flows", recording(exchanges))
    commands["mitmproxy"] = mitmproxying(folder / "large.flows")
    started: dict[str, float] = {}
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with ExitStack() as stack:
        apps = {}
        for kind in KINDS:
            began_s = time.perf_counter()
            base = stack.enter_context(serving(*commands[kind]))
            apps[kind] = stack.enter_context(httpx.Client(base_url=base, trust_env=False, timeout=600))
            apps[kind].headers["gms_user"] = "user0@example.com"
            assert apps[kind].post(CALLBACK).status_code == 200
            started[kind] = time.perf_counter() - began_s
            answers_s(apps[kind], queue(0), count)
        for number in range(rounds):
            for kind in KINDS[:: 1 if number % 2 else -1]:
                took[kind].append(answers_s(apps[kind], queue(0), count))
    return started, took


def main() -> None:
    """Measures, and prints medians of the rounds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--exchanges", type=int, default=100_000, help="in the large cassette (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=20, help="(default: %(default)s)")
    parser.add_argument("--answers", type=int, default=100, help="in each round (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gms-replay-") as folder:
        started, took = measure(options.exchanges, options.rounds, options.answers, Path(folder))
    against = {kind: statistics.median(map(float.__truediv__, took[kind], took["small"])) for kind in KINDS}
    print(f"{SMALL} and {options.exchanges:,} exchanges\n")
    print("| | small | large | mitmproxy, large |\n|---|---|---|---|")
    print(f"| answer ÷ small | {' | '.join(f'{against[kind]:.2f}' for kind in KINDS)} |")
    for base in ("small", "mitmproxy"):
        print(f"| to the first answer ÷ {base} | {' | '.join(f'{started[k] / started[base]:.2f}' for k in KINDS)} |")


if __name__ == "__main__":
    main()
