"""Where URLs lead."""

import pytest
from factories import visit

from gms_replay.roots import Roots
from gms_replay.sessions import split


def test_hosts_are_what_was_dialled_and_named() -> None:
    (session,) = split(visit())

    assert Roots.of(session).hosts == {"gms.example"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://gms.example:8080/any/path?a=b", "origin:/any/path?a=b"),
        ("go to https://gms.example", "go to origin:"),
        ("http://node7.internal/genesys/1/service/a/ixn/chat", "origin:/genesys/1/service/a/ixn/chat"),
        ("http://node7.internal/genesys/cometd", "origin:/genesys/cometd"),
        ("https://shop.example/genesys/cometd2", "https://shop.example/genesys/cometd2"),
        ("https://gms.example.evil/a", "https://gms.example.evil/a"),
        ("no URL", "no URL"),
    ],
)
def test_urls_of_gms_have_no_host(text: str, told: str) -> None:
    assert Roots(frozenset({"gms.example"})).unrooted(text) == told
