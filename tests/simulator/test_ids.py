import re
from random import Random
from uuid import UUID

import pytest

from gms_replay.simulator.chance import Chance
from gms_replay.simulator.ids import Ids, frame_id, push_id


def ids_of(seed):
    return Ids(Chance(seed, quick=True).source)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (Ids.service, r"[0-9A-Z]{32}"),
        (Ids.chat_session, r"000[0-9A-Za-z]{13}"),
        (Ids.comet_client, r"2[0-9a-z]{26}"),
        (Ids.browser, r"2[0-9a-z]{26}"),
        (Ids.cookie, r"node0[0-9a-z]{13}"),
        (Ids.chat_user, r"007[0-9A-F]{13}"),
        (Ids.secure_key, r"4[0-9a-f]{13}"),
    ],
)
def test_identities_have_their_shape(make, shape):
    ids = ids_of(7)
    made = [make(ids) for _ in range(20)]
    assert len(set(made)) == 20
    assert all(re.fullmatch(shape, identity) and re.search(r"\d", identity) for identity in made)


def test_equal_seeds_repeat_identities():
    assert ids_of(3).service() == ids_of(3).service() != ids_of(4).service()


def test_kinds_do_not_mix():
    one, other = ids_of(3), ids_of(3)
    other.comet_client()
    assert one.service() == other.service()
    assert one.comet_client() != one.browser()


def test_frames_are_hex():
    random = Random(1)
    assert all(re.fullmatch("[0-9a-f]{32}", frame_id(random)) for _ in range(20))


def test_pushes_have_canonical_uuids():
    random = Random(1)
    made = [push_id(random) for _ in range(20)]
    assert len(set(made)) == 20
    assert all(str(UUID(one, version=4)) == one for one in made)
