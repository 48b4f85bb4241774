"""The alias of a chat whose server fails over."""

import json

from gms_replay.failovers import Failovers

BODY = b'{"statusCode": 0, "alias": "117", "messages": [{"text": "alias 117"}], "alias2": "117"}'


def test_nothing_changes_before() -> None:
    failovers = Failovers()

    assert failovers.count == 0
    assert failovers.told(BODY) is BODY
    assert not failovers.outdated("117")


def test_alias_changes_and_nothing_else() -> None:
    failovers = Failovers()
    failovers.happen(b"one")
    told = failovers.told(BODY)

    assert failovers.count == 1
    alias = json.loads(told)["alias"]
    assert (len(alias), alias.isdigit()) == (3, True)
    assert alias != "117"
    assert told == BODY.replace(b'"alias": "117"', b'"alias": "%s"' % alias.encode())
    assert failovers.told(BODY) == told


def test_old_alias_is_outdated_once_the_new_one_was_told() -> None:
    failovers = Failovers()
    failovers.happen(b"one")
    assert not failovers.outdated("117")
    alias = json.loads(failovers.told(BODY))["alias"]

    assert [failovers.outdated(one) for one in ("117", alias, "", None)] == [True, False, False, False]


def test_second_failover_outdates_the_first() -> None:
    failovers = Failovers()
    failovers.happen(b"one")
    first = json.loads(failovers.told(BODY))["alias"]
    failovers.happen(b"two")
    second = json.loads(failovers.told(BODY))["alias"]

    assert first != second
    assert failovers.outdated(first)


def test_number_stays_one() -> None:
    failovers = Failovers()
    failovers.happen(b"one")

    assert isinstance(json.loads(failovers.told(b'{"alias": 117}'))["alias"], int)
    assert failovers.told(b'{"alias": "", "x": {"alias": null}}') == b'{"alias": "", "x": {"alias": null}}'
    assert failovers.told(b"alias=117") == b"alias=117"
