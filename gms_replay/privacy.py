"""What is private, and where it stands: credentials, and what says who somebody is.

Nothing here judges a value or changes one; it names places, as `gms` does for what is not private: headers, cookies,
fields of queries and forms, leaves of bodies, segments of paths, items of a chat's lines. GMS's own are those of
GMS.md, section 6; beside them stands what user keys are called in practice. What has no place of its own (an address in
a sentence) is known by its looks.

A name of a field counts without its letter case, hyphens and underscores: `first_name` is `firstName`. Of what nobody
calls otherwise the last words do: `customerFirstName` and `user_phones2` say what they hold as well.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_plus

from gms_replay.gms import Path

WITHHELD = "[withheld by gms_replay: it could not be read]"
"""What stands for what nobody can read, and so nobody can say what is in it."""


class Kind(StrEnum):
    """What sort of secret stands at a place.

    BASIC is a user and a password in one, in Base64. TEXT is what people type: of it only what is private in itself
    (names that are known, addresses, numbers) is, unless all is wanted.
    """

    CREDENTIAL = "credential"
    BASIC = "user and password"
    DEVICE = "device token"
    CODE = "access code"
    PHONE = "phone number"
    EMAIL = "e-mail address"
    NAME = "name"
    USER = "user"
    TEXT = "typed text"


class Part(NamedTuple):
    """A secret that stands at `text[start:end]`."""

    start: int
    end: int
    kind: Kind


_FIELDS: dict[Kind, str] = {
    Kind.CREDENTIAL: "apikey accesskey secretkey privatekey securekey sharedkey clientkey auth authorization "
    "proxyauthorization forwardedauthorization bearer credential credentials jwt token accesstoken refreshtoken "
    "idtoken authtoken sessiontoken securitytoken amzsecuritytoken csrf csrftoken xsrftoken "
    "secret clientsecret password passwd pwd passphrase pin otp cookie sessionid jsessionid cvv cvc ssn iban "
    "socialsecuritynumber cardnumber creditcard creditcardnumber",
    Kind.DEVICE: "devicenotificationid pushnotificationdeviceid deviceid devicetoken registrationid registrationids "
    "registrationtoken pushtoken fcmtoken gcmtoken apnstoken notificationkey instanceid imei udid idfa androidid",
    Kind.CODE: "accesscode",
    Kind.PHONE: "customernumber telurl phone phonenumber telephone telephonenumber tel mobile mobilephone mobilenumber "
    "cell cellphone msisdn homephone workphone callbacknumber contactnumber contactphone fax faxnumber ani callerid "
    "callernumber callingnumber",
    Kind.EMAIL: "email emailaddress mail mailaddress emailid customeremail contactemail useremail",
    Kind.NAME: "firstname lastname middlename fullname surname givenname familyname forename maidenname nickname "
    "displayname userdisplayname customername contactname callername agentname agentfirstname agentlastname "
    "street streetaddress postaladdress homeaddress zip zipcode postcode postalcode",
    Kind.USER: "gmsuser userheader user username login loginname loginid account accountid accountnumber customerid "
    "memberid employeeid agentid remoteuser forwardeduser authenticateduser",
    Kind.TEXT: "subject text comment comments question note notes description feedback",
}
_BY_FIELD = {name: kind for kind, names in _FIELDS.items() for name in names.split()}
_ENDINGS: dict[Kind | None, str] = {
    Kind.CREDENTIAL: "apikey accesskey secretkey privatekey securekey sharedkey subscriptionkey authkey accountkey "
    "authorization credential jwt token secret password passwd pwd passphrase passcode otp cvv cvc ssn iban "
    "socialsecuritynumber cardnumber creditcard creditcardnumber",
    Kind.DEVICE: "devicetoken deviceid registrationid registrationtoken pushtoken fcmtoken gcmtoken apnstoken imei",
    Kind.CODE: "accesscode",
    Kind.PHONE: "phone phonenumber telephone telephonenumber mobilephone mobilenumber customermobile contactmobile "
    "usermobile callermobile cellphone msisdn callbacknumber faxnumber",
    Kind.EMAIL: "email emailaddress mailaddress emailid",
    Kind.NAME: "firstname lastname middlename fullname surname givenname familyname forename maidenname nickname "
    "displayname customername contactname callername streetaddress postaladdress homeaddress zipcode postcode "
    "postalcode",
    None: "iphone pagetoken continuationtoken maxtoken mintoken totaltoken inputtoken outputtoken prompttoken "
    "completiontoken allowcredential",
}
_BY_ENDING = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings.split()}
"""What the last words of a name say, in the singular. Of several the longest counts; of those of None nothing does.

No word that means something else behind another one: `key`, `name`, `user`, `account`, `id`, `to`, `mobile`.
"""
_MOST_WORDS = 3
"""In an ending."""
_NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")

_NAMED_WITHIN = frozenset({"userdata", "user", "customer", "contact", "caller", "person", "profile"})
"""In these `name` is somebody's; elsewhere it may be a service's."""
_NAMES_BESIDE = ("name", "key")
_VALUE_BESIDE = "value"
_OF_CREDENTIALS = frozenset({"value", "data", "key", "id", "hash", "signature"})
"""What a credential is called that is an object of its own."""
_OF_OTHERS = frozenset({"value", "number"})

_EMAIL_HEADERS = frozenset({"from"})
_COOKIES = frozenset({"cookie", "set-cookie"})
_CREDENTIAL_HEADERS = frozenset({"authorization", "proxy-authorization"})
_SCHEMES = frozenset(
    {
        "apikey", "aws4-hmac-sha256", "basic", "bearer", "digest", "dpop", "hawk", "hoba", "key", "mac",
        "mutual", "negotiate", "ntlm", "oauth", "token", "vapid",
    }
)  # fmt: skip
"""Of the field Authorization, in lower case: IANA's registry of schemes, and what else is in use."""
_PARAMETER = re.compile(r"(?:(?P<name>[A-Za-z_][\w-]*)=(?=[^=\s,;]))?\"?(?P<value>[^\s\",;]+)\"?")
_PUBLIC_PARAMETERS = frozenset({"algorithm", "qop", "nc", "stale", "charset", "signedheaders", "userhash", "uri"})
_COOKIE = re.compile(r"(?:^|;)\s*(?:[^=;\s]*=)?\"?(?P<value>[^;]*)")
_GIVEN_COOKIE = re.compile(r"(?:[^=;]*=)?\"?(?P<value>[^;]*)")
_NEXT_COOKIE = re.compile(r"\n|,\s*(?=[\w!#$%&'*+.^`|~-]+=)")
"""Where proxies and archives have joined several: an attribute's date has no = behind its comma."""
_DEVICE_PATH = re.compile(r"/3/device/(?P<value>[^/?]+)")
_SESSION_PATH = re.compile(r"(?i);jsessionid=(?P<value>[^/?;#]+)")
_USERINFO = re.compile(r"(?<=://)(?P<user>[^/\s\"'<>:@\\]*)(?::(?P<password>[^/\s\"'<>@\\]*))?@")
_PAIR = re.compile(r"(?P<name>[^=&]*)=(?P<value>[^&]*)")
_FURTHER = re.compile(r";(?P<name>[^;=&]+)=")
"""Some write ; for &, so of what is private; else it belongs to the value, of which nothing is to be left."""

_SHOWN = frozenset(
    {
        "message", "label", "text", "oktitle", "canceltitle", "confirmationtitle", "title", "subtitle", "body", "alert",
        "chatservicemessage", "groupname", "error", "errors", "reason", "transcript", "locargs", "titlelocargs",
    }
)  # fmt: skip
"""Fields that people read, beside those that people type."""

_LOCAL = r"(?:[\w.+'-]|%2[7BDEbde])"
_EMAIL = rf"(?:(?<![\w.+'%-]){_LOCAL}+|(?<=%[0-9A-Fa-f]{{2}}){_LOCAL}{{1,64}})(?:@|%40)(?:[\w-]+\.)+[^\W\d_][\w-]*"
"""What stands before it may be escaped, and so may be what its local part has of signs.

Behind an escape that part has an end (RFC 5321, section 4.5.3.1.1), lest from each of many escapes all be read.
"""
BLANKS = r" \-\u00a0\u2000-\u200a\u2010-\u2015\u202f"
"""Inside brackets of a regular expression: what is between digits of a number, also such that no line ends there."""
_IN_UTF_8 = r"\xc2\xa0|\xe2\x80[\x80-\x8a\x90-\x95\xaf]"
"""The same, where each byte is a character."""
_PHONE = rf"(?<![\w+])(?:\+|%2[Bb])[1-9](?:(?:[().{BLANKS}/]|{_IN_UTF_8}){{0,2}}\d){{6,14}}(?!\w)"
_CARD = rf"(?<![\w.,+-])[2-6]\d(?:(?:[{BLANKS}]|{_IN_UTF_8})?\d){{11,17}}(?![\w])"
_LOOKS = re.compile(rf"(?P<email>{_EMAIL})|(?P<phone>{_PHONE})|(?P<card>{_CARD})")
_SHORTEST_CARD, _LONGEST_CARD = 13, 19
_LONG_NUMBER = re.compile(rf"(?<![\w.,+-])\d(?:[{BLANKS}]?\d){{12,18}}(?!\w)", re.ASCII)


@lru_cache(4096)
def normal(name: str) -> str:
    """A field's name without what people write differently in it."""
    return "".join(character for character in name.lower() if character not in "-_. ")


def field(path: Path, *, is_told: bool = False) -> Kind | None:
    """What is private at a path of a body, or in the field of a query or form that the path names; None for nothing.

    A form's `userData[FirstName]` is one name. `is_told`: by GMS, whose errors have a `message` that nobody typed.
    """
    if _is_line(path):
        return {1: Kind.NAME, 2: Kind.TEXT}.get(int(path[-1]))
    keys = tuple(step for step in path if isinstance(step, str))
    return _of_keys(keys[-2:], len(keys), is_told) if keys else None


@lru_cache(4096)
def _of_keys(last: tuple[str, ...], count: int, is_told: bool) -> Kind | None:
    above, _, name = last[-1].removesuffix("]").rpartition("[")
    key = normal(name)
    if "." in name and key not in _BY_FIELD:
        # Forms are also written `userData.FirstName`.
        above, _, name = name.rpartition(".")
        key = normal(name)
    holder = above or (last[-2] if len(last) > 1 else "")
    around = normal(holder)
    if key == "name" and around in _NAMED_WITHIN:
        return Kind.NAME
    if key == "message":
        return None if is_told else Kind.TEXT
    # A device, in Google's older way (Legacy HTTP protocol), and only at the top; and in the newer.
    if (key == "to" and count == 1 and not above) or (key == "token" and around == "message"):
        return Kind.DEVICE
    held = _of_name(holder)
    if key in _OF_OTHERS or (key in _OF_CREDENTIALS and held is Kind.CREDENTIAL):
        return held or _of_name(name) or _of_name(last[-1])
    return _of_name(name) or _of_name(last[-1])


@lru_cache(4096)
def _of_name(name: str) -> Kind | None:
    """What a name says by itself, as a whole or by its last words; None for nothing."""
    key = normal(name)
    return _BY_FIELD.get(key) or _BY_FIELD.get(key.removeprefix("x")) or _of_ending(name)


def _of_ending(name: str) -> Kind | None:
    words = [word.lower() for word in _NAME_WORD.findall(name)]
    while words and words[-1].isdigit():
        words.pop()
    if not words:
        return None
    if words[0] == "x" and words[-1] == "key" and len(words) > 2:
        # A header of somebody's own, like X-Genesys-Key.
        return Kind.CREDENTIAL
    words[-1] = _singular(words[-1])
    endings = ("".join(words[at:]) for at in range(max(0, len(words) - _MOST_WORDS), len(words)))
    return next((_BY_ENDING[ending] for ending in endings if ending in _BY_ENDING), None)


def _singular(word: str) -> str:
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def beside(told: Iterable[tuple[Path, str]]) -> dict[int, list[Path]]:
    """Of pairs, `{"name": "password", "value": "hunter2"}`: for the number of each value the paths that its names mean.

    `told`: what stands at the paths of a body, in order. Where paths come again, as in forms, the nearest names count.
    """
    found: dict[int, list[Path]] = {}
    pairs: dict[Path, dict[str, tuple[int, str]]] = {}
    for number, (path, value) in enumerate(told):
        word = normal(path[-1]) if path and isinstance(path[-1], str) else ""
        if word not in (*_NAMES_BESIDE, _VALUE_BESIDE):
            continue
        pair = pairs.setdefault(path[:-1], {})
        if word in pair:
            pair.clear()
        pair[word] = number, value
        if _VALUE_BESIDE in pair:
            names = (pair[one][1] for one in _NAMES_BESIDE if one in pair)
            found[pair[_VALUE_BESIDE][0]] = [(*path[:-1], name) for name in names if name]
    return found


def is_shown(path: Path) -> bool:
    """Whether what stands at a path is for people to read: there a name is one, however short."""
    if _is_line(path):
        return path[-1] in (1, 2)
    if field(path) in (Kind.TEXT, Kind.NAME):
        return True
    keys = [step for step in path if isinstance(step, str)]
    return bool(keys) and normal(keys[-1].removesuffix("]").rpartition("[")[2]) in _SHOWN


def may_matter(name: str) -> bool:
    """Whether what stands at a key of that name may be private, or for people to read, wherever the key stands."""
    if name == "transcriptToShow" or normal(name) in _NAMES_BESIDE:
        return True
    return field((name,)) is not None or is_shown((name,))


@lru_cache(1024)
def header(name: str) -> Kind | None:
    """What a header of that name holds; None for nothing private. Of what is private `in_header` tells the part."""
    lower = name.lower()
    if lower in _COOKIES or lower in _CREDENTIAL_HEADERS:
        return Kind.CREDENTIAL
    if lower in _EMAIL_HEADERS:
        return Kind.EMAIL
    kind = _of_name(name)
    return None if kind is Kind.TEXT else kind


def in_header(name: str, value: str, otherwise: Kind | None = None) -> tuple[Part, ...]:
    """The secrets in a header: of credentials the scheme stays, of cookies their names and attributes.

    `otherwise`: what it holds if its name does not say.
    """
    kind, lower = header(name) or otherwise, name.lower()
    if kind is None or not value.strip():
        return ()
    if lower == "cookie":
        return _unquoted(value, _found(_COOKIE.finditer(value), kind))
    if lower == "set-cookie":
        starts = (0, *(found.end() for found in _NEXT_COOKIE.finditer(value)))
        ends = (*(found.start() for found in _NEXT_COOKIE.finditer(value)), len(value))
        given = (_GIVEN_COOKIE.match(value, *span) for span in zip(starts, ends, strict=True))
        return _unquoted(value, _found((one for one in given if one), kind))
    if lower in _CREDENTIAL_HEADERS or value.partition(" ")[0].lower() in _SCHEMES:
        return _in_credentials(value)
    start = len(value) - len(value.lstrip())
    return (Part(start, start + len(value.strip()), kind),)


def in_path(path: str) -> tuple[Part, ...]:
    """The secrets in the path of a request: a device's token, as Apple has it there, and what stands for a cookie."""
    devices = _found(_DEVICE_PATH.finditer(path), Kind.DEVICE)
    return devices + _found(_SESSION_PATH.finditer(path), Kind.CREDENTIAL) if ";" in path else devices


def pairs(form: str, start: int = 0) -> Iterator[tuple[str, int, int]]:
    """Names, decoded, of what a form's text, or a query from `start` on, holds; and where their values stand."""
    for found in _PAIR.finditer(form, start):
        name, (at, end) = _decoded(found["name"]), found.span("value")
        for other in _FURTHER.finditer(form, at, end):
            if _of_name(_decoded(other["name"])):
                yield name, at, other.start()
                name, at = _decoded(other["name"]), other.end()
        yield name, at, end


def userinfo(text: str) -> tuple[Part, ...]:
    """Users and passwords in URLs (RFC 3986, section 3.2.1)."""
    if "@" not in text:
        return ()
    parts: list[Part] = []
    for found in _USERINFO.finditer(text):
        parts.append(Part(*found.span("user"), Kind.USER))
        if found["password"] is not None:
            parts.append(Part(*found.span("password"), Kind.CREDENTIAL))
    return tuple(part for part in parts if part.start < part.end)


def looks(text: str) -> tuple[Part, ...]:
    """What is private in a text by its looks: e-mail addresses, international phone numbers, numbers of cards."""
    found: list[Part] = []
    for one in _LOOKS.finditer(text):
        if one["email"]:
            found.append(Part(*one.span(), Kind.EMAIL))
        elif one["phone"]:
            found.append(Part(*one.span(), Kind.PHONE))
        elif is_card(one[0]):
            found.append(Part(*one.span(), Kind.CREDENTIAL))
    return tuple(found)


def long_numbers(text: str) -> Iterator[Part]:
    """Numbers in a text that have as many digits as a card's; what stands for one need not be one."""
    return (Part(*found.span(), Kind.CREDENTIAL) for found in _LONG_NUMBER.finditer(text))


def apart(parts: Iterable[Part]) -> list[Part]:
    """Parts of a text in their order; of those that overlap the one that begins first, and of two there the longer."""
    found: list[Part] = []
    for part in sorted(parts, key=lambda part: (part.start, -part.end)):
        if not found or part.start >= found[-1].end:
            found.append(part)
    return found


def is_card(text: str) -> bool:
    """Whether a text is the number of a card: its digits fit their check digit (ISO/IEC 7812-1, annex B)."""
    digits = [int(one) for one in text if one in "0123456789"]
    if not _SHORTEST_CARD <= len(digits) <= _LONGEST_CARD or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def named(fields: Collection[str], path: Path) -> bool:
    """Whether a user's list of fields names a path: its last keys, joined by dots, in any of the ways to write them."""
    if not fields:
        return False
    keys = [step for step in path if isinstance(step, str)]
    keys = [part for key in keys for part in key.replace("]", "").split("[")]
    endings = {".".join(keys[at:]) for at in range(len(keys))}
    return not endings.isdisjoint(fields)


def _is_line(path: Path) -> bool:
    return len(path) >= 3 and path[-3] == "transcriptToShow" and isinstance(path[-1], int)


def _in_credentials(value: str) -> tuple[Part, ...]:
    first, blank, rest = value.partition(" ")
    has_scheme = bool(blank and rest.strip()) and first.lower() in _SCHEMES
    start = len(first) + 1 if has_scheme else 0
    if has_scheme and first.lower() == "basic":
        at = start + len(rest) - len(rest.lstrip())
        return (Part(at, at + len(rest.strip()), Kind.BASIC),)
    parts: list[Part] = []
    for found in _PARAMETER.finditer(value, start):
        name = (found["name"] or "").lower()
        # What stands before a = may be a secret's own beginning.
        at = found.start("value" if has_scheme or name in _SCHEMES else 0)
        if name not in _PUBLIC_PARAMETERS:
            parts.append(Part(at, found.end("value"), Kind.USER if name == "username" else Kind.CREDENTIAL))
    return tuple(parts)


def _found(matches: "Collection[re.Match[str]] | Iterator[re.Match[str]]", kind: Kind) -> tuple[Part, ...]:
    spans = (found.span("value") for found in matches)
    return tuple(Part(start, end, kind) for start, end in spans if start < end)


def _unquoted(text: str, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Cookies without their quotes: some apps show one with those that it was given with, some without."""
    told = ((part, text[part.start : part.end].rstrip().removesuffix('"')) for part in parts)
    bare = (part._replace(end=part.start + len(value)) for part, value in told)
    return tuple(part for part in bare if part.start < part.end)


@lru_cache(1024)
def _decoded(name: str) -> str:
    return unquote_plus(name)
