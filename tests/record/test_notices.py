from pathlib import Path

import pytest

from gms_replay.base_url import BaseUrl
from gms_replay.cassette.counts import Counts
from gms_replay.cassette.extent import Progress
from gms_replay.model import Redaction
from gms_replay.record import notices
from gms_replay.record.notices import Door

FILE = Path("visit.sqlite")
GMS = BaseUrl.parse("https://gms.example:8443/genesys", "--gms")


def progress(**told: object) -> Progress:
    known = {
        "run_id": 1,
        "exchanges": 0,
        "messages": 0,
        "pushes": 0,
        "frames": 0,
        "size_bytes": 0,
        "committed_at_us": None,
        "waiting": 0,
    }
    return Progress(path=Path("folder", FILE), **{**known, **told})


def test_reverse_names_url() -> None:
    lines = list(notices.opening(Door("127.0.0.1", 8010, GMS), FILE, 1, "", Redaction.ON))

    assert lines == [
        "recording https://gms.example:8443/genesys into visit.sqlite",
        "put this URL into the app: http://127.0.0.1:8010/genesys",
        "https works too; make it trust mitmproxy's certificate: ~/.mitmproxy/mitmproxy-ca-cert.pem",
        "secrets and personal data replaced by stand-ins; Ctrl+C stops",
    ]


def test_forward_names_proxy() -> None:
    lines = list(notices.opening(Door("0.0.0.0", 8010, None), FILE, 3, "gms", Redaction.ON))

    assert lines == [
        "recording what goes to hosts like gms into visit.sqlite, appended as run 3",
        "set this proxy in the app, or on its device: http://ADDRESS-OF-THIS-MACHINE:8010",
        "for https, make it trust mitmproxy's certificate: http://mitm.it through this proxy, "
        "or the file ~/.mitmproxy/mitmproxy-ca-cert.pem",
        "secrets and personal data replaced by stand-ins; Ctrl+C stops",
    ]


@pytest.mark.parametrize(("host", "shown"), [("::1", "[::1]:80"), ("::", "ADDRESS-OF-THIS-MACHINE:80")])
def test_address_can_be_typed(host: str, shown: str) -> None:
    assert Door(host, 80, None).address == shown


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (progress(), "0 s · 0 exchanges · 0 messages · visit.sqlite 0 KiB"),
        (
            progress(exchanges=1, messages=2, pushes=1, size_bytes=300_000, committed_at_us=3_599_000_000, waiting=4),
            "1:00:01 · 1 exchange · 2 messages · 1 push · 7 unrecorded · visit.sqlite 292 KiB · on disk 2 s ago "
            "· 4 waiting",
        ),
        (progress(frames=2), "0 s · 0 exchanges · 0 messages · 2 APNs frames · visit.sqlite 0 KiB"),
        (progress(size_bytes=3_500_000_000), "0 s · 0 exchanges · 0 messages · visit.sqlite 3337.9 MiB"),
    ],
)
def test_status_tells_what_matters(told: Progress, expected: str) -> None:
    busy = told.exchanges > 0
    now_us = 3_601_000_000 if busy else 0

    assert notices.status(told, 7 * busy, now_us=now_us, started_at_us=0) == expected


def test_end_counts_facts() -> None:
    assert notices.closing(FILE, Counts(2, 41, 1, 0, 0)) == "visit.sqlite: 41 exchanges, 1 message in 2 runs"
    assert notices.closing(FILE, Counts(1, 0, 0, 1, 1)) == (
        "visit.sqlite: 0 exchanges, 0 messages, 1 push, 1 APNs frame in 1 run"
    )


def test_next_steps_can_be_pasted() -> None:
    assert list(notices.next_steps(Path("my visit.sqlite"), Counts(1, 2, 0, 1, 0))) == [
        "look at it: gms-replay show 'my visit.sqlite'",
        "play it: gms-replay serve 'my visit.sqlite'",
    ]


@pytest.mark.parametrize(
    ("counts", "steps"),
    [
        (Counts(2, 0, 0, 0, 0), ["nothing was recorded: does the app come here, and ask a GMS?"]),
        (Counts(1, 1, 0, 1, 0), ["look at it: gms-replay show visit.sqlite"]),
        (Counts(1, 0, 0, 0, 3), ["look at it: gms-replay show visit.sqlite"]),
    ],
)
def test_nothing_to_play_is_not_played(counts: Counts, steps: list[str]) -> None:
    assert list(notices.next_steps(FILE, counts)) == steps


def test_new_file_is_named() -> None:
    assert notices.going_on(Path("visit-2.sqlite")) == "recording goes on in visit-2.sqlite"
