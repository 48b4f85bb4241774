"""Records the samples beside this file anew: `make samples`.

Each visit of the vendor's sample app is made by the tests' app, through a real mitmdump, at a simulated GMS whose
people take their time. FOLDER [OPTION…]: where to, and further options of the simulated GMS.
"""

import asyncio
import re
import sys
import tempfile
from pathlib import Path

import visitor

from gms_replay.mitmdump.process import listening, python, tool

ROOT = Path(__file__).parent.parent
URL = re.compile(r"(http://\S+)")
PROXY = re.compile(r"listening at (127\.0\.0\.1:\d+)")
SERVICE = "customer-service"
# Who puts the agent off for five minutes shall not keep everybody waiting.
PACES = {"voice-wait-userterm": ["--quick"]}


def record(cassette: Path, visit: str, seed: int, options: list[str]) -> None:
    """One visit into a new cassette. Raises GmsReplayError or visitor's errors where a part fails."""
    simulator = python("gms_replay.cli", "simulate", "--port", "0", "--seed", str(seed), *options)
    with tempfile.TemporaryDirectory() as confdir, listening(simulator, URL) as (gms_url,):
        mitmdump = [
            tool("mitmdump"), "--mode", f"reverse:{gms_url.removesuffix('/genesys')}",
            "--listen-host", "127.0.0.1", "--listen-port", "0", "--set", f"confdir={confdir}",
            "--scripts", str(ROOT / "addons" / "gms_record.py"), "--set", f"gms_cassette={cassette}",
        ]  # fmt: skip
        with listening(mitmdump, PROXY) as (address,):
            asyncio.run(visitor.visit(f"http://{address}/genesys", visit, service=SERVICE))


def main() -> None:
    folder, options = Path(sys.argv[1]), sys.argv[2:]
    for seed, visit in enumerate(visitor.NAMES, start=1):
        cassette = folder / f"{visit}.sqlite"
        cassette.unlink(missing_ok=True)
        record(cassette, visit, seed, ["--service", SERVICE, *PACES.get(visit, []), *options])
        print(cassette, flush=True)


if __name__ == "__main__":
    main()
