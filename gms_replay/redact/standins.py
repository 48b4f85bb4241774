"""What stands for a secret: of the same shape, the same for the same value, and told by nobody without the key.

Strategy: a stand-in is a keyed function of its value alone, whatever place that stands at, so links hold without
anything being stored. Two values that differ in letter case only have stand-ins that differ so. Of several words each
is replaced by itself, because GMS makes nicknames of first and last names; of an e-mail address the parts, of a token
(JWT) what is inside. A phone number gets another that is valid in its country, and counts as one in each notation.
`marks` says how a stand-in ends.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import chain

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

from gms_replay import instants, marks, privacy
from gms_replay.instants import Style
from gms_replay.occurrences import in_json
from gms_replay.spans import Sort, plain_text, spans

_MOST_KEY_BYTES = 64
"""BLAKE2b takes no more; of a longer key its digest counts."""
_REMEMBERED = 8192
_LONGEST_SEED = 1024
"""In bytes: a longer one is hashed once, and not for each piece that is drawn from it."""
_ATTEMPTS = 100
_NUMBER = re.compile(r"[1-9]\d*", re.ASCII)
_SHORT_NUMBER = 9
"""In digits: what has no more fits into 32 bits, whatever it begins with."""
_NUMBERLIKE = re.compile(rf"\+?[\d\s().{privacy.BLANKS}/]+", re.ASCII)
_PHONE_DIGITS = range(7, 18)
_SHORTEST_BARE_INTERNATIONAL = 11
_TRIES_PER_PREFIX = 8
_LEAST_DRAWN = 4
_TOKEN_WORDS = frozenset({"alg", "typ", "cty", "enc", "zip", "crit", "b64"})
"""Of a JWT's header: words of the vocabulary (RFC 7515, 7516, 7519)."""


class StandIns:
    """Stand-ins by one key. `region`: the country ("DE") of phone numbers that name none, None for nobody knows."""

    def __init__(self, key: bytes, region: str | None = None) -> None:
        self._key = key if len(key) <= _MOST_KEY_BYTES else blake2b(key).digest()
        self._region = region
        # The same values come again and again; what falls out is worked out anew, and is the same.
        self.of: Callable[[str], str] = lru_cache(_REMEMBERED)(self._of)
        """What stands for a value."""

    def typed(self, text: str) -> str:
        """What stands for what somebody typed: letter by letter, and not word by word, which could be guessed."""
        return self.of(text) if len(marks.words(text)) < 2 else self._plain(text)

    def letters(self, text: str) -> str:
        """What stands for pieces of what somebody typed: letter by letter, however few words they are."""
        return self._plain(text)

    def basic(self, credentials: str) -> str:
        """What stands for user and password in Base64; for what is none, as for any other value."""
        told = marks.user_and_password(credentials)
        if told is None:
            return self.of(credentials)
        return base64.b64encode(":".join(map(self.of, told)).encode()).decode()

    def raw(self, token: bytes) -> bytes:
        """What stands for a device's token as bytes: what stands for it in hex."""
        told = self.of(token.hex())
        try:
            return bytes.fromhex(told)
        except ValueError:
            # Of one whose hex has letters only nobody sees that it is hex.
            numbers = self._numbers(told)
            return bytes(next(numbers) for _ in token)

    def national(self, value: str, told: str) -> tuple[str, str] | None:
        """The national digits of a phone number, and of what stands for it; None for what is no number at all.

        Where nobody knows its country, all digits but zeros before them count as such.
        """
        value, told = (one.removeprefix(marks.scheme(one)) for one in (value, told))
        if not _NUMBERLIKE.fullmatch(value):
            return None
        digits, number = _digits(value), self._parsed(value)
        at = digits.rfind(_national(number)) if number else -1
        at = len(digits) - len(digits.lstrip("0")) if at < 0 else at
        return digits[at:], _digits(told)[at:]

    def is_number(self, value: str) -> bool:
        """Whether a value is a phone number, wherever it stands."""
        return self._parsed(value.removeprefix(marks.scheme(value))) is not None

    def _of(self, value: str) -> str:
        if prefix := marks.scheme(value):
            return prefix + self.of(value[len(prefix) :])
        if marks.JWT.fullmatch(value) and (token := self._token(value)):
            return token
        if parts := marks.parts(value):
            around = map(self._words, marks.between(value, parts))
            told = [self.of(value[start:end]) for start, end in parts]
            return "".join(chain(*zip(around, [*told, ""], strict=True)))
        if marks.ADDRESS.fullmatch(value):
            return self._address(value)
        if _NUMBERLIKE.fullmatch(value):
            return self._phone(value) or self._plain(value)
        return self._plain(value) if len(marks.words(value)) < 2 else self._words(value)

    def _words(self, value: str) -> str:
        pieces, at = [], 0
        for start, end in marks.words(value):
            pieces += [value[at:start], self.of(value[start:end])]
            at = end
        return "".join([*pieces, value[at:]])

    def _address(self, value: str) -> str:
        local, _, domain = value.rpartition("@")
        labels = domain.split(".")
        homes = labels[:-1] or labels
        return f"{self._plain(local)}@{'.'.join(map(self._plain, homes))}{marks.DOMAIN}"

    # One word, or all of a text.

    def _plain(self, value: str) -> str:
        alphabet = marks.alphabets(value)
        key = _canonical(value)
        told = value
        for attempt in range(_ATTEMPTS):
            told = marks.marked(_like(value, alphabet, self._numbers(f"{key}\0{attempt}")))
            if told != value and marks.alphabets(told) == alphabet:
                break
        return told

    def _numbers(self, key: str) -> Iterator[int]:
        seed, part = key.encode("utf-8", "backslashreplace"), 0
        if len(seed) > _LONGEST_SEED:
            seed = blake2b(seed, key=self._key).digest()
        while True:
            yield from blake2b(seed + f"\0{part}".encode(), key=self._key).digest()
            part += 1

    # Phone numbers.

    def _parsed(self, value: str) -> PhoneNumber | None:
        """The number that a text is, in whichever country; None where nobody knows which."""
        digits = _digits(value)
        if not _NUMBERLIKE.fullmatch(value) or len(digits) not in _PHONE_DIGITS:
            return None
        if value.startswith("+"):
            return _parse(f"+{digits}", None)
        if digits.startswith("00"):
            return _parse(f"+{digits[2:]}", None)
        at_home = _parse(digits, self._region) if self._region else None
        abroad = _parse(f"+{digits}", None) if len(digits) >= _SHORTEST_BARE_INTERNATIONAL else None
        for number in (at_home, abroad):
            if number and phonenumbers.is_valid_number(number):
                return number
        return at_home if at_home and phonenumbers.is_possible_number(at_home) else None

    def _phone(self, value: str) -> str | None:
        """A number of the same country for a number, in the same notation; None where it is none that can be told."""
        number = self._parsed(value)
        if number is None:
            return None
        national = _national(number)
        at = _digits(value).rfind(national)
        country = phonenumbers.region_code_for_number(number)
        country = country or phonenumbers.region_code_for_country_code(number.country_code or 0)
        if at < 0 or country == phonenumbers.UNKNOWN_REGION:
            return None
        key = _written(number, PhoneNumberFormat.E164)
        for attempt, prefix in enumerate(_prefixes(country, len(national))):
            drawn = self._drawn(f"phone {key}\0{attempt}", len(national), prefix)
            if drawn.startswith("0") is not national.startswith("0"):
                # In Italy, say, both are valid; but what is a number in JSON has to stay one.
                continue
            told = marks.marked(_with_digits(value, at, drawn))
            found = self._parsed(told)
            if told != value and found and _is_of(found, country):
                return told
        return None

    def _drawn(self, key: str, length: int, prefix: str) -> str:
        numbers = self._numbers(key)
        return prefix + "".join(str(next(numbers) % 10) for _ in range(length - len(prefix)))

    # Tokens.

    def _token(self, value: str) -> str | None:
        """A JWT that says the same of others, algorithm and instants kept; None where its parts do not decode."""
        header, payload, signature = value.split(".")
        try:
            told = [self._claims(_from_base64(part)) for part in (header, payload)]
        except (binascii.Error, ValueError):
            return None
        return ".".join([*map(_to_base64, told), self._plain(signature)])

    def _claims(self, text: bytes) -> bytes:
        pieces, at = [], 0
        for span in spans(text):
            was = plain_text(text[span.start : span.end])
            is_number = span.sort is Sort.NUMBER and privacy.field(span.path) is not None
            if (span.sort is Sort.STRING or is_number) and not _is_word(span.path[-1:], was):
                pieces += [text[at : span.start], in_json(self.of(was))]
                at = span.end
        return b"".join([*pieces, text[at:]])


def is_instant(value: str) -> bool:
    """Whether a value is a date and time, as people or programs write it, and no mere number."""
    found = instants.parse(value)
    return found is not None and found[1].style not in (Style.EPOCH_S, Style.EPOCH_MS)


def _is_word(last: tuple[str | int, ...], value: str) -> bool:
    return (bool(last) and last[0] in _TOKEN_WORDS) or is_instant(value)


def _canonical(value: str) -> str:
    """A value without its letter case; of numbers and hex, which are written in several ways, without signs."""
    folded = value.casefold()
    if marks.is_hex(value) or _NUMBERLIKE.fullmatch(value):
        return "".join(character for character in folded if character.isalnum())
    return folded


def _like(value: str, alphabet: list[str], numbers: Iterator[int]) -> str:
    told, are_capitals = list(value), marks.capitals(value)
    is_number = _NUMBER.fullmatch(value) is not None
    for place, letters in enumerate(alphabet):
        if letters:
            letter = letters[next(numbers) % len(letters)]
            told[place] = letter.upper() if are_capitals[place] else letter
    if is_number:
        # It stays one, and, where whoever reads it may have no room, grows no larger.
        most = 9 if len(value) <= _SHORT_NUMBER else int(value[0])
        told[0] = str(1 + next(numbers) % most)
    return "".join(told)


def _digits(value: str) -> str:
    return "".join(character for character in value if character.isdigit())


def _with_digits(value: str, at: int, digits: str) -> str:
    """A text whose digits, from the one at a place on, are others."""
    told, places = list(value), [place for place, one in enumerate(value) if one.isdigit()]
    for place, digit in zip(places[at:], digits, strict=False):
        told[place] = digit
    return "".join(told)


def _prefixes(country: str, length: int) -> Iterator[str]:
    """What a drawn number is to begin with: at first nothing, then more and more of one that is known to be valid."""
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    examples = [phonenumbers.example_number_for_type(country, kind) for kind in kinds]
    known = [_national(one) for one in examples if one is not None and len(_national(one)) == length]
    for kept in range(max(1, length - _LEAST_DRAWN + 1)):
        for number in known or [""]:
            yield from [number[:kept]] * _TRIES_PER_PREFIX


def _is_of(number: PhoneNumber, country: str) -> bool:
    return phonenumbers.is_valid_number(number) and phonenumbers.region_code_for_number(number) == country


def _parse(text: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException:
        return None


def _national(number: PhoneNumber) -> str:
    return phonenumbers.national_significant_number(number)


def _written(number: PhoneNumber, way: int) -> str:
    return phonenumbers.format_number(number, way)


def _from_base64(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _to_base64(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
