import re

import pytest

from gms_replay.errors import OptionError
from gms_replay.mitmdump import options

KNOWN = ("gms_cassette", "gms_hosts")


def test_one_value_is_taken() -> None:
    assert options.one("gms_hosts", ["a"]) == "a"


@pytest.mark.parametrize("values", [[], ["a", "b"]])
def test_any_other_number_is_refused(values: list[str]) -> None:
    complaint = f"gms_hosts takes one value, not {len(values)}: --set gms_hosts=VALUE"
    with pytest.raises(OptionError, match=re.escape(complaint)):
        options.one("gms_hosts", values)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("gms_casette", "did you mean gms_cassette?"), ("gms", "there are gms_cassette, gms_hosts")],
)
def test_misspelt_name_is_refused(name: str, complaint: str) -> None:
    with pytest.raises(OptionError, match=re.escape(f"{name} is no option: {complaint}")):
        options.require_known(["other", name], KNOWN)


def test_others_names_are_left_alone() -> None:
    with pytest.raises(OptionError, match=r"^gms_casette is no option"):
        options.require_known(["flow_detail", "my_gms", "gms_casette"], KNOWN)
