"""A cassette of a GMS with peculiarities of its own: each is named by a command, and mended in a rules file."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from factories import CALLBACK, QUEUE, SERVICE, Tape

from gms_replay.cassette.copy import write

RULES = """
[identities]
fields = ["ticketNo"]

[times]
appointmentAt = "event"

[match]
free = ["build"]
"""
TICKET = "TK-20140001"
APPOINTMENT = "2014-05-02T16:45:00Z"


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """The app names its build, and a ticket of before, which GMS knows; an appointment has a field of its own."""
    tape = Tape()
    asked = {"_media_type": "voice", "build": "7", "reference": TICKET}
    told = {"_id": SERVICE, "ticketNo": TICKET, "appointmentAt": APPOINTMENT}
    tape.ask(0, "POST", CALLBACK, asked, told, takes_s=0)
    tape.ask(5, "GET", f"{QUEUE}?ticket={TICKET}", b"", {"_position": "1"}, takes_s=0)
    path = tmp_path / "elsewhere.sqlite"
    write(path, tape.recording())
    return path


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(RULES, encoding="utf-8")
    return path


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "gms_replay.cli", *map(str, arguments)]


def told(*arguments: str | Path) -> Any:
    """What a command says with `--json`."""
    return json.loads(subprocess.run(command(*arguments, "--json"), check=True, stdout=subprocess.PIPE).stdout)


@contextmanager
def serving(*arguments: str | Path) -> Iterator[tuple[httpx.Client, list[Any]]]:
    """An app at a server, and what the server says at its end, which is there after the block."""
    said: list[Any] = []
    with subprocess.Popen(command("serve", *arguments, "--json", "--port", "0"), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        (url,) = json.loads(process.stdout.readline())["urls"]
        with httpx.Client(base_url=url.removesuffix("/genesys"), trust_env=False) as app:
            yield app, said
        process.send_signal(signal.SIGTERM)
        said.append(json.loads(process.stdout.read()))


def order(build: str) -> dict[str, str]:
    return {"_media_type": "voice", "build": build, "reference": TICKET}


def tickets(shown: Any) -> list[tuple[str | None, str | None]]:
    """How the ticket counts as an identity, and why it does not."""
    (session,) = shown["sessions"]
    return [(one["by_field"], one["left_alone"]) for one in session["identities"] if one["value"] == TICKET]


def test_stale_instant_is_named_and_mended(cassette: Path, rules: Path) -> None:
    (stale,) = told("check", cassette, "--times")["times"]["values"]
    assert (stale["path"], stale["recorded"], stale["fate"], stale["told"]) == (
        ["appointmentAt"],
        APPOINTMENT,
        "unknown field",
        None,
    )

    (mended,) = told("check", cassette, "--times", "--rules", rules, "--now", "2030-05-02T16:27:30Z")["times"]["values"]
    assert mended["told"] == "2030-05-02T16:45:00Z"


def test_missed_identity_is_named_and_mended(cassette: Path, rules: Path) -> None:
    assert tickets(told("show", cassette, "--identities")) == [(None, "the app said it first")]

    assert tickets(told("show", cassette, "--identities", "--rules", rules)) == [("ticketNo", None)]


def test_differing_field_is_named_and_mended(cassette: Path, rules: Path) -> None:
    with serving(cassette) as (app, said):
        assert app.post(CALLBACK, json=order(build="8")).status_code == 404
    (miss,) = said[0]["misses"]
    assert miss["kind"] == "field differs"
    assert miss["nearest"][0]["differences"] == [{"field": "build", "asked": "8", "recorded": "7"}]

    with serving(cassette, "--rules", rules, "--strict") as (app, said):
        first, second = (app.post(CALLBACK, json=order(build="8"), headers={"gms_user": user}) for user in ("a", "b"))
        for answer in (first, second):
            service, ticket = answer.json()["_id"], answer.json()["ticketNo"]
            assert app.get(QUEUE.replace(SERVICE, service), params={"ticket": ticket}).status_code == 200
    assert said[0] == {"missed": 0, "misses": [], "unlike": 0, "unused": []}
    assert first.json()["ticketNo"] == TICKET
    assert re.fullmatch(r"[A-Z]{2}-\d{8}", second.json()["ticketNo"])
    assert second.json()["ticketNo"] != TICKET
    appointment = datetime.fromisoformat(first.json()["appointmentAt"])
    assert timedelta() < appointment - datetime.now(UTC) < timedelta(minutes=18)
