"""Stand-ins for identities: of the same shape, and always the same for the same seed."""

import re
import string
from collections.abc import Callable, Collection
from hashlib import blake2b

_SHORTEST = 8
_NUMBER = re.compile(r"[1-9]\d*", re.ASCII)
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_ATTEMPTS = 100
"""After so many values that are taken, a shape counts as used up."""


def is_mappable(value: str) -> bool:
    """Whether an identity is long and particular enough to be told otherwise wherever it stands."""
    return len(value) >= _SHORTEST and any(character in string.digits for character in value)


def stand_ins(recorded: Collection[str], key: Callable[[str], str]) -> dict[str, str]:
    """Each of the values with its stand-in, by the key that belongs to it; no two are equal, and none is among them."""
    taken = set(recorded)
    told: dict[str, str] = {}
    for value in sorted(recorded):
        told[value] = stand_in(value, key(value), taken)
        taken.add(told[value])
    return told


def stand_in(recorded: str, key: str, taken: Collection[str] = ()) -> str:
    """A value of the shape of `recorded`: digits stay digits, letters stay letters of their case, hex stays hex.

    A number stays one, and grows no larger: whoever reads it as a number has room for it.

    The same `key` gives the same value, except that none in `taken` is given. Where that shape has hardly another
    value left, the stand-in is longer.
    """
    attempt = 0
    while True:
        value = _drawn(recorded + "0" * (attempt // _ATTEMPTS), f"{key}\0{attempt}")
        if value not in taken and value != recorded:
            return value
        attempt += 1


def client_id(key: str) -> str:
    """A Bayeux client id as CometD's server gives them: letters and digits, hard to guess for another app."""
    return stand_in("1a2b3c4d5e6f7g8h9i0j1k2l3m4n", key)


def _drawn(recorded: str, key: str) -> str:
    numbers = _numbers(key, len(recorded))
    if _NUMBER.fullmatch(recorded):
        return str(1 + numbers[0] % max(1, int(recorded[0]) - 1)) + "".join(str(number % 10) for number in numbers[1:])
    if _HEX.fullmatch(recorded) and not recorded.isdigit():
        digits = "0123456789ABCDEF" if recorded.upper() == recorded else "0123456789abcdef"
        return "".join(digits[number % 16] for number in numbers)
    return "".join(_like(character, number) for character, number in zip(recorded, numbers, strict=True))


def _like(character: str, number: int) -> str:
    for letters in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if character in letters:
            return letters[number % len(letters)]
    return character


def _numbers(key: str, count: int) -> list[int]:
    digest = b""
    while len(digest) < count * 2:
        digest += blake2b(f"{key}\0{len(digest)}".encode("utf-8", "replace")).digest()
    return [int.from_bytes(digest[at : at + 2]) for at in range(0, count * 2, 2)]
