import pytest

from gms_replay.errors import FormatError
from gms_replay.formats import objects
from gms_replay.formats.fields import Fields
from gms_replay.model import Connection, Direction, Frame, Run, Socket

RUN = Run(1, 5, "regular", None, (("mitmproxy", "12"),))
FACTS = [
    RUN,
    Socket(3, 4, 5, 1000, "", Direction.TO_CLIENT),
    Connection(1, 1, "apns", 2195, "", 6),
    Frame(1, 1, Direction.TO_SERVER, 7, b"\xff"),
]


def fields(fact: objects.Fact) -> Fields:
    told = objects.of(fact)
    if isinstance(fact, Run):
        told["versions"] = [list(pair) for pair in fact.versions]
    return Fields.of_object(told, "here")


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_fact_returns(fact):
    assert objects.to(fields(fact)) == fact
    assert objects.to_any_of(type(fact))(fields(fact)) == fact


def test_fact_of_another_kind_is_named():
    with pytest.raises(FormatError, match=r"^here: field kind: expected a push; "):
        objects.to_any_of(objects.FACTS[3])(fields(RUN))


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"\xc3\xbc\t\n", {"text": "ü\t\n"}), (b"\0", {"base64": "AA=="}), (b"\xff", {"base64": "/w=="})],
)
def test_bytes_are_text_where_they_can_be(content, told):
    assert objects.as_content(content) == told
