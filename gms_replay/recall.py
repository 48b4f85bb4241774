"""What was worked out, kept for whoever asks the same again; nothing long, for strangers choose what is asked."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

from gms_replay.model import Headers

P = ParamSpec("P")
R = TypeVar("R")

_SHORT = 2048
"""Characters, or bytes: more than apps have in a head. What is read of them takes up to thirty times as much."""


class _TooLongError(Exception):
    """What raises it is not kept."""


def short(most: int, size: Callable[..., int]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keeps what a function gives for the last so many arguments that are short; `size` tells of how long they are.

    It is asked only of what is not kept: what is asked again and again is counted once.
    """

    def recalling(work: Callable[P, R]) -> Callable[P, R]:
        def work_short(*args: P.args, **kwargs: P.kwargs) -> R:
            if size(*args, **kwargs) > _SHORT:
                raise _TooLongError
            return work(*args, **kwargs)

        kept: Callable[..., R] = lru_cache(most)(work_short)

        @wraps(work)
        def recall(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return kept(*args, **kwargs)
            except _TooLongError:
                return work(*args, **kwargs)

        return recall

    return recalling


def of_headers(headers: Headers | tuple[tuple[bytes, bytes], ...]) -> int:
    """How long headers are, without what stands between them."""
    return sum(len(name) + len(value) for name, value in headers)


def of_all(*texts: str) -> int:
    """How long texts are together."""
    return sum(map(len, texts))
