import unicodedata
from random import Random

import pytest

from gms_replay.simulator.cast import ARTICLE, draw

CASTS = [draw(Random(f"cast {number}")) for number in range(200)]


def test_equal_sources_draw_equally():
    assert draw(Random("a")) == draw(Random("a"))


def test_casts_differ():
    assert len({cast.agent for cast in CASTS}) > 50
    assert len({(cast.greeting, cast.replies, cast.farewell) for cast in CASTS}) > 100


def test_scripts_and_lengths_vary():
    letters = {letter for cast in CASTS for letter in cast.agent if letter.isalpha()}
    scripts = {unicodedata.name(letter).split()[0] for letter in letters}
    assert scripts >= {"LATIN", "CYRILLIC", "GREEK", "CJK", "ARABIC"}
    lengths = [len(words) for cast in CASTS for words in (cast.greeting, *cast.replies, cast.farewell)]
    assert (min(lengths) < 5, max(lengths) > 250) == (True, True)


@pytest.mark.parametrize("cast", [ARTICLE, *CASTS[:50]])
def test_words_take_any_text(cast):
    for words in (cast.greeting, *cast.replies, cast.farewell):
        said = words.format(name="{Stan}", agent=cast.agent, text='"{}"')
        assert said.encode()


def test_replies_quote_the_client():
    assert all(any("{text}" in words for words in cast.replies) for cast in [ARTICLE, *CASTS])
