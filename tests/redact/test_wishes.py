import re
from pathlib import Path

import pytest

from gms_replay.errors import OptionError
from gms_replay.model import Redaction
from gms_replay.redact import wishes
from gms_replay.redact.wishes import Wish
from gms_replay.rules import Rules


def test_key_is_not_shown() -> None:
    assert "kkk" not in repr(Wish(key=b"k" * 16))


def test_key_for_nothing_is_a_contradiction() -> None:
    with pytest.raises(OptionError, match="redact off replaces nothing, so a redact key says nothing"):
        Wish(Redaction.OFF, b"k" * 16)


def test_country_has_to_be_one() -> None:
    assert Wish(rules=Rules(region="DE")).rules.region == "DE"
    with pytest.raises(OptionError, match=r"redact\.region: 'XX': no country has this code"):
        Wish(rules=Rules(region="XX"))


def test_options_of_the_recorder(tmp_path: Path) -> None:
    assert wishes.options() == {"gms_redact": "on"}
    assert wishes.options("typed", tmp_path / "key", tmp_path / "rules.toml") == {
        "gms_redact": "typed",
        "gms_redact_key": str(tmp_path / "key"),
        "gms_rules": str(tmp_path / "rules.toml"),
    }


def test_mode_is_one_of_three() -> None:
    assert wishes.mode("gms_redact", "typed") is Redaction.TYPED
    with pytest.raises(OptionError, match="gms_redact is on, typed or off, not 'On'"):
        wishes.mode("gms_redact", "On")


def test_key_is_read(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"sixteen bytes...\r\n")

    assert wishes.read_key("--redact-key", file) == b"sixteen bytes..."


@pytest.mark.parametrize(
    ("content", "complaint"), [(b"fifteen bytes..\n", "16 bytes or more, this one has 15"), (None, "cannot be read")]
)
def test_key_that_is_none(content: bytes | None, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(OptionError, match=f"--redact-key: {re.escape(str(file))}: .*{complaint}"):
        wishes.read_key("--redact-key", file)
