"""Plays a cassette to an app whose connections are redirected. Run in a network namespace of its own.

NFT CONFDIR CASSETTE: prints what the app was answered at each host, a line of JSON.
"""

import json
import re
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
from offline import raise_loopback, require_offline

from gms_replay.mitmdump.process import listening, tool

ADDON = Path(__file__).parents[3] / "addons" / "gms_serve.py"
ANYBODY = "127.0.0.9"
"""The address that the app finds for every name."""
PORT = "8085"
RULES = f"""
    add table ip t;
    add chain ip t out {{ type nat hook output priority -100; }};
    add rule ip t out ip daddr {ANYBODY} tcp dport {{ 80, 443 }} redirect to :{PORT}
"""


def main() -> None:
    nft, confdir, cassette = sys.argv[1:]
    raise_loopback()
    require_offline()
    subprocess.run([nft, RULES], check=True)
    said = {"confdir": confdir, "gms_cassette": cassette, "gms_hosts": r"^gms\.example:(80|443)$"}
    options = [word for name, value in said.items() for word in ("--set", f"{name}={value}")]
    command = [tool("mitmdump"), "-s", str(ADDON), "--mode", f"transparent@127.0.0.1:{PORT}", *options]
    trust = ssl.create_default_context(cafile=Path(confdir, "mitmproxy-ca-cert.pem"))
    with (
        listening(command, re.compile(r"listening at (\S+)")),
        httpx.Client(verify=trust, trust_env=False, timeout=40) as app,
    ):
        for scheme in ("http", "https"):
            for host in ("gms.example", "other.example"):
                answer = app.get(
                    f"{scheme}://{ANYBODY}/nothing", headers={"host": host}, extensions={"sni_hostname": host}
                )
                print(json.dumps([scheme, host, answer.status_code, answer.text]))


if __name__ == "__main__":
    main()
