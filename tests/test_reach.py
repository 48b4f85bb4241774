import pytest

from gms_replay.reach import authority, shown


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
