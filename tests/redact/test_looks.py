import pytest

from gms_replay.privacy import Kind
from gms_replay.redact import looks


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("https://ann:sesame@h.test/", {"ann": Kind.USER, "sesame": Kind.CREDENTIAL}),
        ("/3/device/00fc13ad", {"00fc13ad": Kind.DEVICE}),
        ("/a;jsessionid=x1y2", {"x1y2": Kind.CREDENTIAL}),
        ("to ann@mail.test, +15417543010", {"ann@mail.test": Kind.EMAIL, "+15417543010": Kind.PHONE}),
        ("Bearer kT7sQx2Lw9Rb4Nf8", {"kT7sQx2Lw9Rb4Nf8": Kind.CREDENTIAL}),
        ("?token=kT7sQx2L", {}),
    ],
)
def test_parts_by_looks(text: str, kinds: dict[str, Kind]) -> None:
    assert looks.may_be_in(text)
    assert {text[part.start : part.end]: part.kind for part in looks.parts(text)} == kinds


@pytest.mark.parametrize("text", ["https://h/a?b%63=d#e=", "bc=d&amp;e=", "bc=d&e=<", "see /a?bc=d /b?e="])
def test_pairs_of_a_text(text: str) -> None:
    assert [(name, text[start:end]) for name, start, end in looks.pairs(text)] == [("bc", "d"), ("e", "")]


def test_name_before_a_value_may_have_blanks() -> None:
    assert [name for name, _, _ in looks.pairs("/a?secure key=b& c=d")] == ["secure key", " c"]


@pytest.mark.parametrize("text", ["plain words", "/a/b", ""])
def test_nothing_by_looks(text: str) -> None:
    assert not looks.may_be_in(text)
    assert not [*looks.parts(text), *looks.pairs(text)]
