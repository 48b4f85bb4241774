"""URLs of a GMS that users write."""

import pytest

from gms_replay.base_url import BaseUrl
from gms_replay.errors import OptionError


@pytest.mark.parametrize(
    ("url", "found", "origin"),
    [
        ("http://gms.example:8080/genesys", ("http", "gms.example", 8080, "/genesys"), "http://gms.example:8080"),
        ("https://gms.example", ("https", "gms.example", 443, ""), "https://gms.example"),
        ("https://gms.example:443/", ("https", "gms.example", 443, "/"), "https://gms.example"),
        ("http://[::1]:81/a/b/", ("http", "::1", 81, "/a/b/"), "http://[::1]:81"),
        ("http://gms_test:8080/", ("http", "gms_test", 8080, "/"), "http://gms_test:8080"),
    ],
)
def test_url_is_taken_apart(url: str, found: tuple[str, str, int, str], origin: str) -> None:
    parsed = BaseUrl.parse(url, "--gms")

    assert parsed == BaseUrl(*found)
    assert (parsed.origin, str(parsed)) == (origin, origin + found[3])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "must begin with http"),
        ("gms.example:8080/genesys", "must begin with http"),
        ("//gms.example:8080", "must begin with http"),
        ("http:gms.example", "must begin with http"),
        ("ftp://gms.example:21", "must begin with http"),
        ("http://", "names no host"),
        ("http://:80/genesys", "names no host"),
        ("http://gms.example:port", "Port could not be cast"),
        ("http://gms.example:99999", "range"),
        ("http://gms.example:0", "port 0"),
        ("http://[::1/genesys", "Invalid IPv6 URL"),
        ("http://a b/", "no space"),
        ("http://a/\x01", "no space"),
        ("http://user:word@gms.example", "has no place in it"),
        ("http://gms.example/?a=b", "has no place in it"),
        ("http://gms.example/#a", "has no place in it"),
    ],
)
def test_wrong_url_is_explained(url: str, reason: str) -> None:
    with pytest.raises(OptionError) as refused:
        BaseUrl.parse(url, "--gms")

    message = str(refused.value)
    assert message.startswith(f"--gms {url}: ")
    assert reason in message
    assert message.endswith("write it like http://gms.example:8080/genesys")
