from collections.abc import Callable

import pytest


def test_missing_peer_skips(program: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no such-a-peer or its-sister on PATH"):
        program("such-a-peer", "its-sister")


def test_missing_peer_fails_ci(program: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no such-a-peer on PATH"):
        program("such-a-peer")


def test_first_program_found_is_taken(program: Callable[..., str]) -> None:
    assert program("such-a-peer", "python") == program("python")
