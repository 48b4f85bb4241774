"""Stand-ins of secrets as they look, and how one is known without the key that it was drawn with.

Strategy: a stand-in has the shape of its value: digits, letters with their case, hex, whatever stands between them. Its
last characters, a quarter of them and at most four, are no secret's: they follow from the five before them, in a way
that anybody can work out. So whoever looks for secrets, or replaces them, tells a stand-in from a true value. A number
has two, from seven digits on: so a phone number has the same in each of its notations.

A true value looks like a stand-in by chance: once in ten where the mark is one digit, once in 26 for a letter, once in
100 for a phone number, for long values once in 10^4 (digits), 16^4 (hex) or 26^4 (letters). So whoever records asks
nothing, and replaces always.
"""

import base64
import binascii
import re
from hashlib import blake2b

from gms_replay import privacy
from gms_replay.privacy import Kind

_DIGITS = "0123456789"
_HEX = "0123456789abcdef"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_HEX_ONLY = re.compile(r"[0-9a-f-]+|[0-9A-F-]+", re.ASCII)
_SHORTEST_HEX = 8
_SHORTEST = 3
"""In letters and digits: what is shorter has no mark."""
_MOST = 4
_LONG_NUMBER = range(7, 16)
"""In digits: what a phone number has, in whichever notation (ITU-T E.164)."""
_OF_LONG_NUMBER = 2
_WINDOW = 5
"""In letters and digits, before the mark."""
_PUBLIC = b"gms_replay stand-in"

DOMAIN = ".example"
"""Where all e-mail addresses that are stand-ins are at home (RFC 2606, section 2)."""

ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
"""What stands for an address is one, whatever may be odd in it."""

JWT = re.compile(r"(?:(?<![\w-])eyJ[\w-]*|eyJ[\w-]{0,512})\.[\w-]+\.[\w-]*", re.ASCII)
"""A JSON Web Token (RFC 7519): header, payload and signature, of which the first opens as an object. Inside other
letters, where bytes ran into each other, the header has an end, lest each place be read to the end of all."""


def alphabets(value: str) -> list[str]:
    """For each character of a value those, in lower case, that a stand-in may have there; "" for one that stays.

    Letters beyond ASCII are letters.
    """
    if is_hex(value):
        return ["" if character == "-" else _HEX for character in value]
    return [_LETTERS if one.isalpha() else _DIGITS if one.isnumeric() else "" for one in value]


def is_hex(value: str) -> bool:
    """Whether a value is hex of one letter case, perhaps with hyphens: with a digit and a letter before its mark."""
    if not _HEX_ONLY.fullmatch(value):
        return False
    digits = value.replace("-", "")
    before = digits[: -_quarter(len(digits))]
    return len(digits) >= _SHORTEST_HEX and not before.isdigit() and not before.isalpha()


def marked(value: str) -> str:
    """A value with the mark that what stands before it demands."""
    told, alphabet = list(value), alphabets(value)
    places = _marked_places(alphabet)
    if not places:
        return value
    free = [place for place, letters in enumerate(alphabet) if letters and place < places[0]]
    before = "".join(told[place] for place in free[-_WINDOW:]).lower()
    digest = blake2b(before.encode("utf-8", "backslashreplace"), key=_PUBLIC).digest()
    are_capitals = capitals(value)
    for place, number in zip(places, digest, strict=False):
        letter = alphabet[place][number % len(alphabet[place])]
        told[place] = letter.upper() if are_capitals[place] else letter
    return "".join(told)


def capitals(value: str) -> list[bool]:
    """For each place in a value whether a letter that takes it is to be a capital: in hex all are, or none."""
    return [value.upper() == value] * len(value) if is_hex(value) else [one.isupper() for one in value]


def is_marked(value: str) -> bool:
    """Whether a value, taken as one, has its mark; what is too short has none."""
    alphabet = alphabets(value)
    has_foreign = any(letters and not character.isascii() for character, letters in zip(value, alphabet, strict=True))
    return not has_foreign and bool(_marked_places(alphabet)) and marked(value) == value


def is_stand_in(value: str) -> bool:
    """Whether a value is a stand-in: whole, word by word, or as the address, token or user and password that it is.

    Of several words those that are too short for a mark are passed over.
    """
    value = value.removeprefix(scheme(value))
    if JWT.fullmatch(value):
        return is_marked(value.rpartition(".")[2])
    if inside := parts(value):
        rest = [text[start:end] for text in between(value, inside) for start, end in words(text)]
        return all(map(is_stand_in, [*(value[slice(*span)] for span in inside), *filter(can_be_marked, rest)]))
    if ADDRESS.fullmatch(value):
        local, _, domain = value.rpartition("@")
        return domain.lower().endswith(DOMAIN) and (is_marked(local) or not can_be_marked(local))
    if is_marked(value):
        return True
    told = words(value)
    if len(told) > 1:
        long = [value[start:end] for start, end in told if can_be_marked(value[start:end])]
        return bool(long) and all(map(is_stand_in, long))
    return False


def scheme(value: str) -> str:
    """What of a value says only how to reach somebody: "tel:", of a phone number as a URL."""
    found = _SCHEME.match(value)
    return found[0] if found else ""


def can_be_marked(value: str) -> bool:
    """Whether a value is long enough for a mark."""
    return bool(_marked_places(alphabets(value)))


def significant(number: str) -> list[int]:
    """Where the digits of a number in JSON stand that say which it is; nowhere in what is no number.

    Its sign, zeros before them, an exponent and a fraction of mere zeros say how it is written: 4.9151E12, 4711.0.
    """
    found = _NUMBER.fullmatch(number)
    if found is None:
        return []
    end = found.end("whole") if not (found["fraction"] or "").strip(".0") else found.end("fraction")
    places = [place for place in range(end) if number[place] in _DIGITS]
    zeros = next((count for count, place in enumerate(places) if number[place] != "0"), len(places))
    return places[zeros:]


def parts(value: str) -> list[tuple[int, int]]:
    """Where addresses and phone numbers stand that have something beside them: "Ann <ann@mail.test>".

    Nowhere in a value that is one; in those as in all others words count.
    """
    if not ("@" in value or "+" in value) or _PROPER_ADDRESS.fullmatch(value):
        return []
    found = [part[:2] for part in privacy.looks(value) if part.kind in (Kind.EMAIL, Kind.PHONE)]
    # What is behind percent signs is opened before.
    found = [span for span in found if "%" not in value[slice(*span)]]
    return [] if found == [(0, len(value))] else found


def between(value: str, spans: list[tuple[int, int]]) -> list[str]:
    """What stands around parts of a value: before the first of them, after each, and after the last."""
    starts, ends = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(value)]
    return [value[start:end] for start, end in zip(starts, ends, strict=True)]


def words(value: str) -> list[tuple[int, int]]:
    """Where the words of a value stand: between blanks, commas and the like."""
    return [found.span() for found in _WORD.finditer(value)]


def user_and_password(credentials: str) -> tuple[str, str] | None:
    """What the credentials of HTTP's scheme Basic hold (RFC 7617, section 2); None where they hold something else."""
    try:
        told = base64.b64decode(credentials, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = told.partition(":")
    return (user, password) if colon else None


_SCHEME = re.compile(r"(?:tel|sips?|mailto|callto|sms):", re.IGNORECASE)
_PROPER_ADDRESS = re.compile(r"[^\s@<>\"(),;:?]+@[\w.-]+")
_WORD = re.compile(r"[^\s,;()]+")
_NUMBER = re.compile(r"-?(?P<whole>\d+)(?P<fraction>\.\d+)?(?:[eE][-+]?\d{1,3})?", re.ASCII)


def _marked_places(alphabet: list[str]) -> list[int]:
    places = [place for place, letters in enumerate(alphabet) if letters]
    count = _quarter(len(places))
    if len(places) in _LONG_NUMBER and all(alphabet[place] is _DIGITS for place in places):
        count = _OF_LONG_NUMBER
    return places[len(places) - count :]


def _quarter(count: int) -> int:
    return max(1, min(_MOST, count // 4)) if count >= _SHORTEST else 0
