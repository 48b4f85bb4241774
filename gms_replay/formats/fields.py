"""Reads JSON objects field by field, each by its type, and says exactly what is wrong.

A field is taken by a converter: a function that returns the value, or raises ValueError with what it expected.
"""

import base64
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, TypeVar

from gms_replay.errors import FormatError

_Pairs = tuple[tuple[str, str], ...]
_T = TypeVar("_T")


class Fields:
    """The fields of one JSON object, each taken once. `where` and `path` say in errors where the object stands.

    `may_hold_more`: fields that nobody takes are no error, neither here nor in objects within.
    """

    def __init__(self, value: object, where: str, path: str = "", *, may_hold_more: bool = False) -> None:
        if not isinstance(value, dict):
            raise ValueError(expected("a JSON object", value))
        self._left: dict[str, Any] = dict(value)
        self._where = where
        self._path = path
        self._may_hold_more = may_hold_more

    @classmethod
    def of_line(cls, line: str, where: str) -> "Fields":
        """The object of one line. Raises FormatError for any other text."""
        try:
            return cls(json.loads(line), where)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"{where}: {error}; each line holds one JSON object") from None

    @classmethod
    def of_object(cls, value: object, where: str, *, may_hold_more: bool = False) -> "Fields":
        """The fields of a JSON value that was read elsewhere. Raises FormatError where it is no object."""
        try:
            return cls(value, where, may_hold_more=may_hold_more)
        except ValueError as error:
            raise FormatError(f"{where}: {error}; correct it, or export it again") from None

    def __contains__(self, field: str) -> bool:
        return field in self._left

    def has(self, field: str) -> bool:
        """Whether a field is there, and not null."""
        return self._left.get(field) is not None

    def take(self, field: str, convert: Callable[[object], _T]) -> _T:
        """A field's value; `convert` raises ValueError for one that cannot be."""
        if field not in self._left:
            self.wrong(field, "missing")
        try:
            return convert(self._left.pop(field))
        except ValueError as error:
            self.wrong(field, str(error))

    def take_or_null(self, field: str, convert: Callable[[object], _T]) -> _T | None:
        return self.take(field, lambda value: None if value is None else convert(value))

    def take_or(self, field: str, convert: Callable[[object], _T], otherwise: _T) -> _T:
        """A field's value, or another where there is none."""
        return self.take(field, convert) if self.has(field) else otherwise

    def nested(self, field: str, build: "Callable[[Fields], _T]") -> _T:
        """What `build` makes of the object in a field."""
        return self.take(field, lambda value: self._built(field, value, build))

    def nested_or_null(self, field: str, build: "Callable[[Fields], _T]") -> _T | None:
        return self.take_or_null(field, lambda value: self._built(field, value, build))

    def each(self, field: str, build: "Callable[[Fields], _T]") -> tuple[_T, ...]:
        """What `build` makes of each object of the list in a field."""
        return tuple(self._element(f"{field}[{at}]", one, build) for at, one in enumerate(self.take(field, array)))

    def change(self, field: str, change: Callable[[object], object]) -> None:
        """Put another value into a field before it is taken."""
        self._left[field] = change(self._left[field])

    def _element(self, field: str, value: object, build: "Callable[[Fields], _T]") -> _T:
        try:
            return self._built(field, value, build)
        except ValueError as error:
            self.wrong(field, str(error))

    def _built(self, field: str, value: object, build: "Callable[[Fields], _T]") -> _T:
        path = f"{self._path}{field}."
        return Fields(value, self._where, path, may_hold_more=self._may_hold_more).build(build)

    def build(self, build: "Callable[[Fields], _T]") -> _T:
        """What `build` makes of this object, none of whose fields may be left over, unless it may hold more."""
        built = build(self)
        if self._left and not self._may_hold_more:
            self.wrong(next(iter(self._left)), "unknown field")
        return built

    def wrong(self, field: str, problem: str) -> NoReturn:
        """Raise the FormatError for a field."""
        raise FormatError(f"{self._where}: field {self._path}{field}: {problem}; correct it, or export it again")


def expected(what: str, found: object) -> str:
    """What a converter's ValueError says: what should be there, and the beginning of what is."""
    if isinstance(found, dict | list):
        return f"expected {what}, found {'an object' if isinstance(found, dict) else 'a list'}"
    return f"expected {what}, found {json.dumps(found)[:40]}"


def integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
        raise ValueError(expected("a whole number of 64 bits", value))
    return value


def number(value: object) -> float:
    # Of whole numbers JSON has some that are larger than any float.
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= sys.float_info.max:
        raise ValueError(expected("a number", value))
    return value


def array(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(expected("a list", value))
    return value


def text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(expected("text", value))
    return value


def byte_text(value: object) -> str:
    """Text of one character per byte, as the model has headers and targets."""
    try:
        text(value).encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError(expected("text in ISO 8859-1", value)) from None
    return text(value)


def text_pairs(value: object) -> _Pairs:
    return _pairs_of(text, value)


def headers(value: object) -> _Pairs:
    return _pairs_of(byte_text, value)


def _pairs_of(convert: Callable[[object], str], value: object) -> _Pairs:
    if not isinstance(value, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        raise ValueError(expected("a list of [name, value] pairs", value))
    return tuple((convert(first), convert(second)) for first, second in value)


def from_base64(value: object) -> bytes:
    try:
        return base64.b64decode(text(value), validate=True)
    except ValueError:
        raise ValueError(expected("base64", value)) from None


def from_utf8(value: object) -> bytes:
    try:
        return text(value).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(expected("text that UTF-8 can hold, or base64", value)) from None


def one_of(choices: Iterable[str]) -> Callable[[object], str]:
    """A converter for one of some words."""
    words = [str(choice) for choice in choices]

    def convert(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(expected(f"one of {', '.join(words)}", value))
        return value

    return convert
