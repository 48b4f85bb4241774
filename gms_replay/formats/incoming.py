"""Which format a file has, told by its content, and the recording that it holds."""

import re
from collections.abc import Iterable
from dataclasses import replace

from gms_replay.errors import FormatError, OptionError
from gms_replay.formats import foreign, jsonl
from gms_replay.formats.foreign import Gathered, Line, Rest, Told

# The length of the first thing in a flow file.
_FLOWS = re.compile(rb"[0-9]{1,12}:")
# The only field of an archive; some programs put a byte order mark before it.
_HAR = re.compile(rb'(\xef\xbb\xbf)?\s*\{\s*"log"\s*:')

_OTHERS = "no HAR in UTF-8, and no flow file of mitmproxy's"


def may_be(content: bytes) -> bool:
    """Whether a content begins as one of the formats does."""
    return is_ours(content) or bool(_FLOWS.match(content) or _HAR.match(content))


def is_ours(content: bytes) -> bool:
    """Whether a content that is none of other programs' begins as jsonl of `export`'s does, or as any other JSON."""
    return content.lstrip()[:1] == b"{" and not _HAR.match(content)


def load(content: bytes, name: str, hosts: re.Pattern[str] | None, made_by: str) -> Gathered:
    """The recording that a file holds, `name` in errors; `hosts` and `made_by` are those of `foreign.gathered`.

    Raises FormatError where the file breaks its format, and OptionError for `hosts` beside a text of ours.
    """
    if _FLOWS.match(content):
        # The whole of mitmproxy takes a second.
        from gms_replay.formats import flowfile

        return _gathered(flowfile.load(content, name), hosts, made_by)
    if _HAR.match(content):
        from gms_replay.formats import har

        return _gathered(har.load(content, name), hosts, made_by)
    if not is_ours(content):
        raise FormatError(f"{name}: {'is no' if content else 'is empty: no'} jsonl of `export`'s, {_OTHERS}; name one")
    if hosts is not None:
        raise OptionError(f"--hosts: {name} is neither HAR nor a flow file; leave it out, every fact is imported")
    return Gathered(jsonl.load(_text(content, name).split("\n"), name))


def _gathered(found: Iterable[Told | Line | Rest | None], hosts: re.Pattern[str] | None, made_by: str) -> Gathered:
    told = list(found)
    strange = sum(one is None for one in told)
    exchanges = [one for one in told if isinstance(one, Told)]
    lines = [one for one in told if isinstance(one, Line)]
    gathered = foreign.gathered(exchanges, lines, hosts, made_by)
    unread = next((one.why for one in told if isinstance(one, Rest)), "")
    return replace(gathered, left_out=gathered.left_out + strange, unread=unread)


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{name}: not UTF-8 at byte {error.start}: give what `export` wrote, a HAR, or a flow file of mitmproxy's"
        ) from None
