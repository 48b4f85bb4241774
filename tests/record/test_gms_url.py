import pytest

from gms_replay.errors import OptionError
from gms_replay.record.gms_url import GmsUrl


@pytest.mark.parametrize(
    ("url", "mode", "path"),
    [
        ("http://gms.example:8080/genesys", "reverse:http://gms.example:8080", "/genesys"),
        ("https://gms.example", "reverse:https://gms.example", ""),
        ("http://[::1]:80/a/b/", "reverse:http://[::1]:80", "/a/b/"),
        ("http://gms_test:8080/", "reverse:http://gms_test:8080", "/"),
    ],
)
def test_url_is_taken_apart(url: str, mode: str, path: str) -> None:
    found = GmsUrl.parse(url)

    assert (found.mode, found.path, str(found)) == (mode, path, url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "must begin with http"),
        ("gms.example:8080/genesys", "must begin with http"),
        ("http:gms.example", "must begin with http"),
        ("ftp://gms.example", "must begin with http"),
        ("http://", "names no host"),
        ("http://:80/genesys", "names no host"),
        ("http://gms.example:port", "Port could not be cast"),
        ("http://gms.example:99999", "range"),
        ("http://[::1/genesys", "Invalid IPv6 URL"),
        ("http://a b/", "Invalid hostname"),
        ("http://user:word@gms.example", "has no place in it"),
        ("http://gms.example/?a=b", "has no place in it"),
        ("http://gms.example/#a", "has no place in it"),
    ],
)
def test_wrong_url_is_explained(url: str, reason: str) -> None:
    with pytest.raises(OptionError) as refused:
        GmsUrl.parse(url)

    message = str(refused.value)
    assert message.startswith(f"--gms {url}: ")
    assert reason in message
    assert message.endswith("write it like http://gms.example:8080/genesys")
