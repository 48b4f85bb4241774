import pytest

from gms_replay import recall


@pytest.mark.parametrize(("length", "times"), [(2048, 1), (2049, 2)])
def test_only_what_is_short_is_kept(length: int, times: int) -> None:
    worked_out = []

    @recall.short(10, len)
    def work(text: str) -> str:
        worked_out.append(text)
        return text.upper()

    assert [work("a" * length), work("a" * length)] == ["A" * length] * 2
    assert len(worked_out) == times


def test_what_is_kept_is_counted_once() -> None:
    counted = []

    @recall.short(10, lambda text: counted.append(text) or len(text))
    def work(text: str) -> str:
        return text.upper()

    assert [work("a"), work("a")] == ["A", "A"]
    assert counted == ["a"]


def test_sizes_are_of_names_and_values() -> None:
    assert recall.of_headers((("host", "h"), ("accept", "*/*"))) == 14
    assert recall.of_all("GET", "/a") == 5
