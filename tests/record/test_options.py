import re
from pathlib import Path

import pytest

from gms_replay.errors import OptionError
from gms_replay.record import options


def test_hosts_default_to_none():
    assert options.settings(["visit.sqlite"], [""], ["off"]) == options.Settings(Path("visit.sqlite"), None)


def test_hosts_become_pattern():
    settings = options.settings(["~/visit.sqlite"], [r":80$"], ["off"])

    assert settings == options.Settings(Path.home() / "visit.sqlite", re.compile(r":80$"))


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (([""], [""], ["off"]), "gms_cassette is missing: name the file"),
        (([], [""], ["off"]), "gms_cassette takes one value, not 0"),
        ((["a", "b"], [""], ["off"]), "gms_cassette takes one value, not 2"),
        ((["a"], [], ["off"]), "gms_hosts takes one value"),
        ((["a"], ["("], ["off"]), "gms_hosts is no regular expression: missing )"),
        ((["a"], [""], ["on"]), "gms_redact=on does not exist yet"),
        ((["a"], [""], ["maybe"]), "gms_redact is on or off, not 'maybe'"),
        ((["a"], [""], []), "gms_redact takes one value"),
    ],
)
def test_wrong_value_is_refused(given, complaint):
    with pytest.raises(OptionError, match=re.escape(complaint)):
        options.settings(*given)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("gms_casette", "did you mean gms_cassette?"),
        ("gms-hosts", "did you mean gms_hosts?"),
        ("gms", "there are gms_cassette,"),
    ],
)
def test_misspelt_name_is_refused(name, complaint):
    with pytest.raises(OptionError, match=re.escape(f"{name} is no option: {complaint}")):
        options.require_known(["other", name])


def test_others_names_are_left_alone():
    options.require_known(["flow_detail", "my_gms"])


def test_bodies_in_pieces_are_refused():
    options.require_whole_bodies(None)
    with pytest.raises(OptionError, match="stream_large_bodies is set"):
        options.require_whole_bodies("1m")
