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


def test_sizes_are_of_names_and_values() -> None:
    assert recall.of_headers((("host", "h"), ("accept", "*/*"))) == 14
    assert recall.of_all("GET", "/a") == 5
