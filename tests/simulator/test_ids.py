import re
from random import Random

import pytest

from gms_replay.simulator.ids import Ids


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (Ids.service, r"[0-9A-Z]{32}"),
        (Ids.chat_session, r"000[0-9A-Za-z]{13}"),
        (Ids.frame, r"[0-9a-f]{32}"),
        (Ids.comet_client, r"2[0-9a-z]{26}"),
        (Ids.cookie, r"node0[0-9a-z]{13}"),
    ],
)
def test_identities_have_their_shape(make, shape):
    ids = Ids(Random(7))
    made = [make(ids) for _ in range(20)]
    assert len(set(made)) == 20
    assert all(re.fullmatch(shape, identity) and re.search(r"\d", identity) for identity in made)


def test_equal_seeds_repeat_identities():
    assert Ids(Random(3)).service() == Ids(Random(3)).service()
