import re
from pathlib import Path

import pytest

from gms_replay.cassette.extent import Limits
from gms_replay.errors import OptionError
from gms_replay.model import Redaction
from gms_replay.record import options
from gms_replay.redact.wishes import Wish
from gms_replay.rules import Rules


def settings(**given: list[str]) -> options.Settings:
    """The options of a plain start, but for those that are given."""
    plain = {"cassette": ["visit.sqlite"], "hosts": [""], "redact": ["on"], "redact_key": [""], "rules": [""]}
    plain |= {"redact_headers": [""], "max_mib": [""], "max_minutes": [""], "durable": ["false"]}
    return options.settings(**plain | given)


def test_power_may_be_lost_where_that_is_said():
    assert settings(durable=["true"]).is_durable


def test_little_needs_be_said():
    assert settings() == options.Settings(Path("visit.sqlite"), None, Limits())


def test_redaction_is_read(tmp_path):
    key, rules = tmp_path / "key", tmp_path / "rules.toml"
    key.write_bytes(b"sixteen bytes...\n")
    rules.write_text('[redact]\nregion = "DE"\n', "utf-8")

    wish = settings(redact=["typed"], redact_key=[str(key)], rules=[str(rules)]).wish

    assert wish == Wish(Redaction.TYPED, b"sixteen bytes...", Rules(region="DE"))


def test_headers_that_hold_credentials_are_named():
    wish = settings(redact_headers=["X-Tenant, x-odd,"]).wish

    assert wish.rules.credentials == {"x-tenant", "x-odd"}


def test_hosts_become_pattern():
    told = settings(cassette=["~/visit.sqlite"], hosts=[r":80$"])

    assert (told.cassette, told.hosts) == (Path.home() / "visit.sqlite", re.compile(r":80$"))


def test_limits_get_units():
    assert settings(max_mib=["3"], max_minutes=["90"]).limits == Limits(3 * 1024 * 1024, 90 * 60 * 1_000_000)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"cassette": [""]}, "gms_cassette is missing: name the file"),
        ({"cassette": []}, "gms_cassette takes one value, not 0"),
        ({"cassette": ["a", "b"]}, "gms_cassette takes one value, not 2"),
        ({"hosts": []}, "gms_hosts takes one value"),
        ({"hosts": ["("]}, "gms_hosts is no regular expression: missing )"),
        ({"redact": ["maybe"]}, "gms_redact is on, typed or off, not 'maybe'"),
        ({"redact_key": ["/no/such/key"]}, "gms_redact_key: /no/such/key: cannot be read: No such file"),
        ({"rules": ["/no/such/rules"]}, "gms_rules: /no/such/rules: cannot be read: No such file"),
        ({"redact": []}, "gms_redact takes one value"),
        ({"max_mib": ["0"]}, "gms_max_mib is a whole number of MiB from 1 on, not '0'"),
        ({"max_mib": ["-1"]}, "gms_max_mib is a whole number"),
        ({"max_mib": ["1.5"]}, "gms_max_mib is a whole number"),
        ({"max_mib": ["\u0661"]}, "gms_max_mib is a whole number"),
        ({"max_mib": ["1", "2"]}, "gms_max_mib takes one value"),
        ({"durable": ["yes"]}, "gms_durable is true or false, not 'yes'"),
        ({"durable": ["true", "true"]}, "gms_durable takes one value, not 2"),
        ({"max_minutes": ["1h"]}, "gms_max_minutes is a whole number of minutes from 1 on, not '1h'"),
    ],
)
def test_wrong_value_is_refused(given, complaint):
    with pytest.raises(OptionError, match=re.escape(complaint)):
        settings(**given)


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
    with pytest.raises(OptionError, match=r"^gms_casette is no option"):
        options.require_known(["flow_detail", "my_gms", "gms_casette"])


def test_bodies_in_pieces_are_refused():
    options.require_whole_bodies(None)
    with pytest.raises(OptionError, match="stream_large_bodies is set"):
        options.require_whole_bodies("1m")
