"""What `check --secrets` tells: in lines for people, as one JSON object for machines; no secret whole in either."""

from collections.abc import Iterator, Sequence
from typing import Any

from gms_replay.formats.tale import count, plain
from gms_replay.leaks import masked
from gms_replay.scan.files import Found, Scanned

_MOST_SHOWN = 20
ODDS = (
    "What was replaced is no secret here. A true value passes for one by chance: once in 10,000 or more where it has "
    "16 characters or more, in 100 where it is a phone number, in 26 to 676 where it is a shorter word, in 10 or 100 "
    "where it is a shorter number. Names of one or two letters, and what is packed or enciphered otherwise than by "
    "gzip, are not looked at."
)


def tell(scanned: Sequence[Scanned]) -> Iterator[str]:
    """The lines: of each file with secrets in it what they are, then how much was looked at, and with which odds."""
    for one in scanned:
        if one.remark:
            yield f"{plain(str(one.file))}: {plain(one.remark)}"
        if one.found:
            yield f"{plain(str(one.file))}: {count(len(one.found), 'secret')}"
            for found in one.found[:_MOST_SHOWN]:
                yield f"  {found.kind}: {plain(masked(found.value))}, {plain(_where(found))}"
            if len(one.found) > _MOST_SHOWN:
                yield f"  and {len(one.found) - _MOST_SHOWN} more; --json tells all"
    secrets = sum(len(one.found) for one in scanned)
    yield f"{count(len(scanned), 'file')}: {count(secrets, 'secret') if secrets else 'no secrets'}"
    yield ODDS


def to_json(scanned: Sequence[Scanned]) -> dict[str, Any]:
    """The same, whole; secrets as they are shown to people, too."""
    return {
        "secrets": sum(len(one.found) for one in scanned),
        "files": [
            {
                "file": str(one.file),
                "facts": one.facts,
                "remark": one.remark or None,
                "secrets": [
                    {
                        "kind": found.kind,
                        "how": found.how,
                        "value": masked(found.value),
                        "places": list(found.places),
                    }
                    for found in one.found
                ],
            }
            for one in scanned
        ],
        "odds": ODDS,
    }


def _where(found: Found) -> str:
    more = len(found.places) - 1
    return f"{found.places[0]} ({found.how})" + (f"; and {count(more, 'place')} more" if more else "")
