"""Which version of GMS is simulated: the one that is recorded, or one that has changed since, to be found out.

An app that knows the first gets along with the second: each path that it takes is still there, and leads to the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gms_replay.simulator import dialogs
from gms_replay.simulator.chat import Kind

_END_OF_ITEMS = "\n         ]"


@dataclass(frozen=True, slots=True)
class Version:
    """How a version differs from the one that the vendor's article shows.

    `renamed`: fields of dialogs, by their old name. `more_items`: what each menu offers beside, as JSON; `more_steps`:
    the dialogs that these lead to, by action. `untold`: what of a chat is told by REST only, and never over Comet.
    `agents_take`: by how much agents are slower.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    more_items: str = ""
    more_steps: Mapping[str, str] = field(default_factory=dict)
    untold: frozenset[Kind] = frozenset()
    agents_take: float = 1.0

    def worded(self, dialog: str) -> str:
        """A dialog as this version tells it."""
        told = dialog.replace(_END_OF_ITEMS, f"{self.more_items}{_END_OF_ITEMS}")
        for old, new in self.renamed.items():
            told = told.replace(f'"{old}":', f'"{new}":')
        return told


CURRENT = Version()
CHANGED = Version(
    renamed={"_ok_title": "_ok_label"},
    more_items=dialogs.OFFICE_HOURS_ITEM,
    more_steps={"office-hours": dialogs.OFFICE_HOURS},
    untold=frozenset({Kind.TYPING_STOPPED}),
    # A person's pauses are drawn between 0.7 and 1.3 of the usual: by chance alone one is at most 1.9 times another.
    agents_take=4.0,
)
VERSIONS = {"current": CURRENT, "changed": CHANGED}
"""By the names that the command line has for them."""
