import pytest

from gms_replay.reach import authority, is_here, shown


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://0.0.0.0:8081/genesys", "http://ADDRESS-OF-THIS-MACHINE:8081/genesys"),
        ("http://[::]:8080", "http://ADDRESS-OF-THIS-MACHINE:8080"),
        ("http://[::1]:8080/genesys", "http://[::1]:8080/genesys"),
        ("http://10.0.0.0:80", "http://10.0.0.0:80"),
    ],
)
def test_url_is_one_for_apps(url: str, told: str) -> None:
    assert shown(url) == told


def test_empty_host_is_any() -> None:
    assert authority("", 80) == "ADDRESS-OF-THIS-MACHINE:80"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("LocalHost", True), ("0.0.0.0", False), ("gms", False)],
)
def test_loopback_is_here(host: str, expected: bool) -> None:
    assert is_here(host) is expected
