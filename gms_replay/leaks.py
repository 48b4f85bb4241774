"""What of secrets stands in a text, whatever text it is; see `marks` for why a stand-in is none.

Strategy: a secret is known by the name before it (a field, a header, in any of the ways to write them), or by its looks
(tokens, addresses, numbers). Of traffic every value at a private name counts. Of other texts, which may be programs,
only such as nobody would write there: a program's `password=self.password` is no secret.
"""

import base64
import binascii
import json
import re
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

from gms_replay import instants, marks, places, privacy
from gms_replay.gms import Path
from gms_replay.leaves import Leaf, decoded, leaves, string
from gms_replay.privacy import Kind, Part
from gms_replay.rules import Rules
from gms_replay.spans import Sort


class Leak(NamedTuple):
    """Something private at `text[start:end]`. `how`: what it was known by, in words. `is_secret`: no stand-in.

    `write` writes another value there.
    """

    start: int
    end: int
    kind: Kind
    how: str
    value: str
    is_secret: bool = True
    write: Callable[[str], str] = str


_NAME = r"[A-Za-z_][\w\[\]-]{1,48}"
_QUOTE = r"\\{0,7}[\"']"
_OPENS = r"(?P<slashes>\\{0,7})(?P<mark>[\"'])"
_INSIDE = (
    r"(?P<value>(?:[^\"'\\\x00-\x1f]|(?!(?P=mark))(?:'|\"(?!\s{0,8}[,:\]}]))"
    r"|(?P=slashes)\\(?:(?P=slashes)[\\\"']|(?!(?P=mark))[^\\\x00-\x1f])|\\{1,8}(?![\\\"'\x00-\x1f])){1,4096}+)"
)
_CLOSES = r"(?P=slashes)(?P=mark)"
"""What stands between quotes, in strings in strings too: there a quote has a slash before it, then three, then seven.

An apostrophe may be the quote of nothing: from it to the next one other strings may end and begin.
"""
_ESCAPED = re.compile(r"\\(?:u(?P<number>[0-9A-Fa-f]{4})|(?P<letter>.))")
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_QUOTED = re.compile(
    rf"(?P<opened>(?<=[\"']))?(?P<name>{_NAME})(?:{_QUOTE}?\s{{0,8}}(?P<sign>[:=])|(?(opened){_QUOTE}\s{{0,8}},|(?!)))"
    rf"\s{{0,8}}{_OPENS}{_INSIDE}{_CLOSES}(?!\s{{0,8}}:)"
)
"""Behind a comma only in a pair of strings; what a colon follows is a name itself, whatever stands before it."""
_LISTED = re.compile(
    rf"{_QUOTE}(?i:name|key){_QUOTE}\s{{0,8}}:\s{{0,8}}{_QUOTE}(?P<name>{_NAME}){_QUOTE},\s{{0,40}}"
    rf"{_QUOTE}(?i:value){_QUOTE}\s{{0,8}}:\s{{0,8}}{_OPENS}{_INSIDE}{_CLOSES}"
)
"""As HTTP archives have headers, cookies and fields of queries, and others what they like."""
_NUMBER = re.compile(rf"{_QUOTE}(?P<name>{_NAME}){_QUOTE}\s{{0,8}}:\s{{0,8}}(?P<value>\d{{3,32}})(?![\w.])")
_REST_OF_NUMBER = re.compile(r"(?:[ ().\-/]{1,3}\d{1,12}){1,6}(?!\w)")
_PAIR = re.compile(rf"(?<![\w.\[\]-])(?P<name>{_NAME})=(?P<value>[^&;#\s\"'<>(){{}}\\$,`\x00-\x1f]{{1,4096}})")
_LINE = re.compile(rf"(?m)^[ \t>*-]*(?P<name>{_NAME}):[ \t]+(?P<value>[^\s\"'\[{{(][^\r\n\x00]{{0,4096}})")
_BEARER = re.compile(r"(?i)\bbearer[ +](?P<value>[\w.~+/-]{16,4096}=*)")
_BASIC = re.compile(r"(?i)\bbasic[ +](?P<value>[A-Za-z0-9+/]{6,4096}={0,2})")
_RESERVED = re.compile(r"(?i)(?:^|\.)(?:example(?:\.com|\.net|\.org)?|test|invalid|localhost|local)$")
"""Where nobody has an address (RFC 2606, RFC 6761, RFC 6762)."""
_FILES = re.compile(
    r"(?i)7z|c|cc|cfg|conf|cpp|css|csv|gif|gz|h|html|ico|ini|jpe?g|jsx?|json|lock|log|md|mjs|mp[34]|pdf|pem|php|png"
    r"|py[ci]?|rb|rs|rst|scss|service|sh|so|socket|sql|sqlite|svg|tar|target|toml|tsx?|txt|webp|woff2?|xml|ya?ml|zip"
)
"""How files' names end: `icon@2x.png` is none's address."""
_ISSUERS = re.compile(
    r"4\d{12}(?:\d{3})?(?:\d{3})?|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|4[4-9]\d|5\d\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|(?:50|5[6-9]|6\d)\d{14}"
)
"""How numbers of cards begin, and how long they are, by who gives them (ISO/IEC 7812-1, the issuers' own pages)."""
_WORDS = frozenset({"true", "false", "null", "none", "undefined", "nan", "nil", ""})
_LITERALS = frozenset({"true", "false", "null"})
_SHORTEST_OPAQUE = 8
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:[./:-][A-Za-z_]\w*)*")


def in_text(text: str, *, is_traffic: bool = True) -> Iterator[Leak]:
    """What is private wherever it stands: tokens, passwords in URLs, addresses, numbers. `is_traffic` as below."""
    yield from tokens(text)
    for part in privacy.userinfo(text):
        value = text[part.start : part.end]
        if is_traffic or (part.kind is Kind.CREDENTIAL and _is_opaque(value)):
            yield Leak(*part, "user or password in a URL", value, is_secret(part.kind, value))
    for part in privacy.looks(text):
        value = unquote(text[part.start : part.end])
        if _is_surely(part.kind, value):
            how = "number of a card" if part.kind is Kind.CREDENTIAL else part.kind.value
            # Bytes between its digits may be letters here.
            bare = value if part.kind is Kind.EMAIL else re.sub(r"[^\d+]", "", value)
            yield Leak(*part, how, value, is_secret(part.kind, bare))


def tokens(text: str) -> Iterator[Leak]:
    """Credentials that are known by how they look: JSON Web Tokens, and what follows the words Bearer and Basic."""
    for found in marks.JWT.finditer(text):
        if _opens_token(found[0]):
            yield Leak(*found.span(), Kind.CREDENTIAL, "JSON Web Token", found[0], not marks.is_stand_in(found[0]))
    for found in _BEARER.finditer(text):
        value = found["value"]
        if not marks.JWT.fullmatch(value) and _is_opaque(value):
            true = is_secret(Kind.CREDENTIAL, value)
            yield Leak(*found.span("value"), Kind.CREDENTIAL, "bearer token", value, true)
    for found in _BASIC.finditer(text):
        both = marks.user_and_password(found["value"])
        if both and "".join(both).isprintable():
            true = is_secret(Kind.BASIC, found["value"])
            yield Leak(*found.span("value"), Kind.BASIC, "Basic credentials", found["value"], true)


def in_names(text: str, rules: Rules, *, is_traffic: bool) -> Iterator[Leak]:
    """What stands behind the name of something private, in bytes of any sort, each a character.

    `rules`: what a user adds to those names, or takes away. `is_traffic`: whether all that stands there was told by
    somebody, as in a cassette.
    """
    for pattern in (_LISTED, _QUOTED, _NUMBER, _PAIR, _LINE):
        for found in pattern.finditer(text):
            name, value = found["name"], found["value"]
            kind = _named(name, rules, is_line=pattern is _LINE)
            if kind is None or (pattern is _QUOTED and found["sign"] is None and not is_traffic):
                continue
            if pattern is _PAIR and kind is Kind.PHONE:
                value += _rest_of_number(text, value, found.end())
            for at, raw, part_kind in _values(name, value, kind, rules):
                if pattern is _LINE and part_kind is Kind.CREDENTIAL and " " in raw.strip():
                    # "Password: must have a digit".
                    continue
                part, write = _read(found, raw)
                start = found.start("value") + at
                if is_traffic or _is_no_program(part_kind, part):
                    how = f"behind the name {name}"
                    yield Leak(start, start + len(raw), part_kind, how, part, is_secret(part_kind, part), write)


def _rest_of_number(text: str, value: str, end: int) -> str:
    """What belongs to a phone number whose first group is a value that ends there."""
    begins = re.fullmatch(r"\+?\d{1,6}", value) and _REST_OF_NUMBER.match(text, end)
    return begins[0] if begins else ""


def in_prose(text: str, rules: Rules) -> Iterator[Leak]:
    """The same of a text that somebody told and that has no fields: a page, a script, a line of an error."""
    for leak in in_names(text, rules, is_traffic=True):
        # "User: please try again" names nobody.
        if leak.kind is not Kind.USER:
            yield leak


def is_secret(kind: Kind, value: str) -> bool:
    """Whether what stands where something private does is a true value: no stand-in, nothing that says nothing."""
    bare = value.strip()
    if bare.lower() in _WORDS or bare == privacy.WITHHELD or not _can_be_marked(bare):
        return False
    if kind is Kind.CREDENTIAL and (part := behind_scheme(bare)):
        return is_secret(part.kind, bare[part.start : part.end])
    if kind is Kind.BASIC:
        both = marks.user_and_password(bare)
        return both is None or not all(not marks.can_be_marked(one) or marks.is_stand_in(one) for one in both)
    if "@" in bare and _RESERVED.search(bare.rpartition("@")[2]):
        return False
    if marks.is_stand_in(bare) or marks.is_stand_in(unquote(bare, errors="surrogateescape")):
        return False
    return _is_true_number(bare)


def behind_scheme(credentials: str) -> Part | None:
    """What stands behind the one word of a scheme (Bearer, Basic) in what the field Authorization might hold."""
    parts = privacy.in_header("authorization", credentials) if " " in credentials else ()
    return parts[0] if len(parts) == 1 and parts[0].start > 0 else None


def _is_true_number(value: str) -> bool:
    """Whether a number, if a value is one, is no stand-in: of those only the digits that count have a mark."""
    number = "".join(value[place] for place in marks.significant(value))
    return not number or (marks.can_be_marked(number) and not marks.is_stand_in(number))


def _can_be_marked(value: str) -> bool:
    """Whether a value's stand-in has a mark: each word its own, if it is long enough; a number in groups has one."""
    value = value.removeprefix(marks.scheme(value))
    has_letters = any(map(str.isalpha, value))
    told = [value[start:end] for start, end in marks.words(value)] if has_letters else [value]
    return any(map(marks.can_be_marked, told))


def masked(value: str) -> str:
    """A secret as it can be shown to anybody: how it begins, and how long it is."""
    start = value[: 1 if len(value) < _SHORTEST_OPAQUE else 2]
    # Bytes that are no UTF-8 can be printed nowhere.
    return f"{start.encode('utf-8', 'replace').decode()}… ({len(value)} characters)"


def _decoded(value: str) -> str:
    """A value as a form or a query means it."""
    return unquote_plus(value) if "%" in value else value


def _read(found: re.Match[str], raw: str) -> tuple[str, Callable[[str], str]]:
    """What a value says that stands behind a name, and how another is written there."""
    if "\\" not in raw or found.re not in (_QUOTED, _LISTED):
        return _decoded(raw), str
    value, depth = raw, (len(found["slashes"]) + 1).bit_length()
    for _ in range(depth):
        value = _ESCAPED.sub(_unescaped, value)
    return _decoded(value), partial(_escaped, raw, found["mark"], depth)


def _unescaped(escape: re.Match[str]) -> str:
    if escape["number"]:
        return chr(int(escape["number"], 16))
    return _CONTROLS.get(escape["letter"], escape["letter"])


def _escaped(like: str, mark: str, depth: int, value: str) -> str:
    """A value as it stands in a string of a string, of so many."""
    for at in range(depth):
        value = json.dumps(value, ensure_ascii=like.isascii())[1:-1]
        if not at:
            value = value.replace("/", r"\/") if r"\/" in like else value
            value = value.replace("'", r"\'") if mark == "'" else value
    return value


def _opens_token(token: str) -> bool:
    head = token.partition(".")[0]
    try:
        told = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return False
    return isinstance(told, dict) and "alg" in told


def _is_surely(kind: Kind, value: str) -> bool:
    """Whether what looks like an address or a card's number is one."""
    if kind is Kind.EMAIL:
        end = value.rpartition(".")[2]
        return value[0].isalnum() and len(end) > 1 and not _FILES.fullmatch(end)
    if kind is Kind.CREDENTIAL:
        return _ISSUERS.fullmatch(re.sub(r"\D", "", value)) is not None
    return True


def kind_of(path: Path, rules: Rules) -> Kind | None:
    """What is private at a path for whoever has those rules, but for what people type; None for nothing."""
    # Who said it decides only of a message whether somebody typed it.
    kind = rules.private_kind(path, is_told=True)
    return None if kind is Kind.TEXT else kind


def fields(text: bytes, content_type: str, rules: Rules) -> list[Leaf]:
    """The leaves of a body, in order, with all that names in it say: each value at the name that it stands beside.

    Of JSON that is not well-formed what stands behind a private name is at that name, wherever its quotes seem to be.
    """
    found = list(leaves(text, content_type))
    if any(_is_bare(text, leaf) and leaf.value not in _LITERALS for leaf in found):
        found = _in_step(text, found, rules)
    return _by_names_beside(found, rules)


def _is_bare(text: bytes, leaf: Leaf) -> bool:
    """Whether a leaf is a word without quotes."""
    return leaf.sort is Sort.WORD or (leaf.sort is Sort.KEY and text[leaf.start - 1 : leaf.start] != b'"')


def _in_step(text: bytes, found: list[Leaf], rules: Rules) -> list[Leaf]:
    """The leaves of JSON in which a quote too many makes words of strings, and strings of what is between them."""
    rest, told = deque(found), list[Leaf]()
    for name, start, end in _behind_names(text.decode("latin-1"), rules):
        while rest and rest[0].end <= start:
            told.append(rest.popleft())
        covered = list[Leaf]()
        while rest and rest[0].start < end:
            covered.append(rest.popleft())
        if any(leaf.path[-1:] == (name,) and (leaf.start, leaf.end) == (start, end) for leaf in covered) or not all(
            _is_bare(text, leaf) or (start <= leaf.start and leaf.end <= end) for leaf in covered
        ):
            rest.extendleft(reversed(covered))
            continue
        told += [_cut(text, leaf, leaf.start, start) for leaf in covered if leaf.start < start]
        told.append(string(text, (name,), start, end))
        rest.extendleft(_cut(text, leaf, end, leaf.end) for leaf in covered if leaf.end > end)
    return [*told, *rest]


def _behind_names(text: str, rules: Rules) -> list[tuple[str, int, int]]:
    """The private names in JSON, and where their values stand, in order."""
    behind = (*(one for one in _QUOTED.finditer(text) if one["sign"]), *_NUMBER.finditer(text))
    private = ((one["name"], *one.span("value")) for one in behind if kind_of((one["name"],), rules))
    return sorted(private, key=lambda one: one[1])


def _cut(text: bytes, leaf: Leaf, start: int, end: int) -> Leaf:
    return leaf._replace(start=start, end=end, value=decoded(text[start:end]))


def _by_names_beside(found: list[Leaf], rules: Rules) -> list[Leaf]:
    """The leaves of a body, each value that stands beside the name of something private at that name."""
    values = [at for at, leaf in enumerate(found) if leaf.sort in (Sort.STRING, Sort.NUMBER)]
    for number, paths in privacy.beside((found[at].path, found[at].value) for at in values).items():
        if meant := next((path for path in paths if kind_of(path, rules)), None):
            found[values[number]] = found[values[number]]._replace(path=meant)
    return found


def _named(name: str, rules: Rules, *, is_line: bool) -> Kind | None:
    """What stands behind a name; in a line of its own only what is a header's."""
    if privacy.named(rules.unredacted, (name,)):
        return None
    kind = None if is_line else kind_of((name,), rules)
    return kind or privacy.header(name)


def _values(name: str, value: str, kind: Kind, rules: Rules) -> Iterator[tuple[int, str, Kind]]:
    """What of a value is secret, and where in it: of a header its parts."""
    if privacy.header(name) is None:
        yield 0, value, kind
        return
    for part in places.in_header(name, value, rules):
        yield part.start, value[part.start : part.end], part.kind


def _is_no_program(kind: Kind, value: str) -> bool:
    """Whether a value is such as no program or text would have there by itself."""
    if kind in (Kind.CREDENTIAL, Kind.DEVICE, Kind.BASIC, Kind.USER):
        return _is_opaque(value)
    if kind is Kind.PHONE:
        return sum(map(str.isdigit, value)) >= 7 and re.fullmatch(r"[\d +().:/A-Za-z-]{7,30}", value) is not None
    if kind is Kind.CODE:
        return value.isdigit()
    # An address is known by its looks; names stand in programs, too.
    return False


def _is_opaque(value: str) -> bool:
    """Whether a value was drawn by a machine: long, of letters and digits, and no name in a program."""
    if len(value) < _SHORTEST_OPAQUE or instants.parse(value):
        return False
    kinds = sum(any(map(test, value)) for test in (str.isdigit, str.islower, str.isupper))
    numbers = len(re.findall(r"\d+", value))
    # What might name something in a program has a number at its end, or one inside.
    least = 2 if _DOTTED.fullmatch(value) else 1
    return numbers >= least and kinds > 1 and not re.search(r"[\s<>{}\[\]()|]", value)
