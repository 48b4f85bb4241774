"""Which format a file has, told by its content, and the recording that it holds."""

import re

from gms_replay.errors import FormatError, OptionError
from gms_replay.formats import foreign, jsonl
from gms_replay.formats.foreign import Gathered, Line, Told

# The length of the first thing in a flow file.
_FLOWS = re.compile(rb"[0-9]{1,12}:")


def load(content: bytes, name: str, hosts: re.Pattern[str] | None, made_by: str) -> Gathered:
    """The recording that a file holds, `name` in errors; `hosts` and `made_by` are those of `foreign.gathered`.

    Raises FormatError where the file breaks its format, and OptionError for `hosts` beside a text of ours.
    """
    if _FLOWS.match(content):
        return _flows(content, name, hosts, made_by)
    if hosts is not None:
        raise OptionError(f"--hosts: {name} is no flow file; leave it out, every fact is imported")
    return Gathered(jsonl.load(_text(content, name).split("\n"), name), 0)


def _flows(content: bytes, name: str, hosts: re.Pattern[str] | None, made_by: str) -> Gathered:
    # The whole of mitmproxy takes a second.
    from gms_replay.formats import flowfile

    told = list(flowfile.load(content, name))
    exchanges = [one for one in told if isinstance(one, Told)]
    lines = [one for one in told if isinstance(one, Line)]
    return foreign.gathered(exchanges, lines, hosts, made_by)


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{name}: not UTF-8 at byte {error.start}: give what `export` wrote, or a flow file of mitmproxy's"
        ) from None
