import re

import pytest

from gms_replay.replay.hosts import Hosts

RECORDED = ("GMS.example:8080", "localhost", "[::1]:8443", "fe80::2", " ")


@pytest.mark.parametrize("host", ["gms.example", "Gms.Example.", "localhost", "::1", "[::1]", "fe80::2"])
def test_recorded_hosts_are_played_at_any_port(host: str) -> None:
    assert Hosts(RECORDED, None).are(host, 443)


@pytest.mark.parametrize("host", ["", "example", "a.gms.example", "gms.example.org", "::2"])
def test_others_are_not(host: str) -> None:
    assert not Hosts(RECORDED, None).are(host, 8080)


def test_named_hosts_count_alone() -> None:
    hosts = Hosts(RECORDED, re.compile(r"^live\.example:443$"))

    assert [hosts.are(*place) for place in (("live.example", 443), ("live.example", 80), ("gms.example", 443))] == [
        True,
        False,
        False,
    ]


def test_hosts_are_told_in_a_line() -> None:
    assert str(Hosts(RECORDED, None)) == "::1, fe80::2, gms.example, localhost"
    assert str(Hosts(RECORDED, re.compile("live"))) == "any host whose host:port has 'live'"
    assert str(Hosts((), None)) == "no host: the cassette names none"
