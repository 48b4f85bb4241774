"""Makes the golden cassette of format 3 from fixed facts: those of format 2, and runs whose secrets were replaced.

`v3.sqlite` was written by this once and is never written again: it stands for the files that users have. `v3.jsonl`
beside it tells what it holds.
"""

import runpy
from pathlib import Path

from gms_replay.cassette.writer import Writer
from gms_replay.model import Redaction

START_US = 1_398_962_000_000_000  # 2014-05-01T16:33:20Z


def make(path: Path) -> None:
    """Write a new cassette with a run of each redaction."""
    runpy.run_path(str(Path(__file__).with_name("make_v2.py")))["make"](path)
    for redaction in (Redaction.ON, Redaction.TYPED):
        writer = Writer(path, started_at_us=START_US, mode="regular", upstream=None, versions=(), redaction=redaction)
        writer.push(None, "fcm", START_US + 1, b'{"message":{"_id":"117"}}')
        writer.close()
