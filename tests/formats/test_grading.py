"""What `diff` tells."""

from factories import visit

from gms_replay import grading
from gms_replay.formats.grading import tell, to_json
from gms_replay.leniency import Leniency


def test_nothing_compared_is_told() -> None:
    found = grading.compare(visit(), visit(), Leniency())

    assert list(tell(found, "a", "b"))[-1] == "no difference"
    assert to_json(found, "a", "b")["worst"] == "equal"
