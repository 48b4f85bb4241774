"""Options of addons, checked.

mitmproxy passes over a `--set` that it does not know, and over one that does not parse: with a `str` option named twice
an addon would be dropped in silence, and the visit with it. So each option is declared as a list, which takes
anything, and checked by the addon.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Sequence

from gms_replay.errors import OptionError


def one(name: str, values: Sequence[str]) -> str:
    """The value of an option. Raises OptionError where it was given twice."""
    if len(values) != 1:
        raise OptionError(f"{name} takes one value, not {len(values)}: --set {name}=VALUE")
    return values[0]


def pattern(name: str, said: str) -> re.Pattern[str] | None:
    """A regular expression; None where nothing was said. Raises OptionError."""
    if not said:
        return None
    try:
        return re.compile(said)
    except re.error as error:
        raise OptionError(f"{name} is no regular expression: {error}, in {said!r}") from None


def require_known(names: Iterable[str], known: Collection[str]) -> None:
    """Raise OptionError for a name, of those that mitmproxy could not place, that was meant for us."""
    for name in names:
        if name.startswith("gms"):
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise OptionError(f"{name} is no option: {meant}")
