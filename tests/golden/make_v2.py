"""Makes the golden cassette of format 2 from fixed facts: those of format 1, and a run with what came to it.

`v2.sqlite` was written by this once and is never written again: it stands for the files that users have. `v2.jsonl`
beside it tells what it holds.
"""

import runpy
from pathlib import Path

from gms_replay.cassette.writer import Writer
from gms_replay.model import Direction

START_US = 1_398_961_900_000_000  # 2014-05-01T16:31:40Z
TOKEN = bytes(range(32))
PAYLOAD = b'{"aps":{"alert":"Gr\xc3\xbc\xc3\x9fe"},"message":{"_id":"117"}}'
PUSH = b"\x01\x00\x00\x00\x07\x53\x62\x77\x5a\x00\x20" + TOKEN + b"\x00" + bytes([len(PAYLOAD)]) + PAYLOAD


def make(path: Path) -> None:
    """Write a new cassette with a connection that ends in a refusal, and one of which a part is no frame."""
    runpy.run_path(str(Path(__file__).with_name("make_v1.py")))["make"](path)
    upstream = "tls://gateway.push.example:2195"
    writer = Writer(
        path, started_at_us=START_US, mode="reverse", upstream=upstream, versions=(("gms_replay", "0.1.0"),)
    )
    refused = writer.begin_connection("gateway.push.example", 2195, "192.0.2.8:52000", START_US + 10)
    broken = writer.begin_connection("2001:db8::1", 2195, "[2001:db8::2]:52001", START_US + 15)
    writer.frame(refused, Direction.TO_SERVER, START_US + 20, PUSH)
    writer.frame(broken, Direction.TO_SERVER, START_US + 20, b"no frame\n")
    writer.frame(refused, Direction.TO_CLIENT, START_US + 30, b"\x08\x08\x00\x00\x00\x07")
    writer.connection_over(refused)
    writer.close()
