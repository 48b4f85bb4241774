"""What runs beside the player: who answers what it cannot, what records what comes anew, and who gets the pushes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gms_replay.errors import OptionError
from gms_replay.events import PushTaken
from gms_replay.redact.wishes import Wish
from gms_replay.replay.wall import wall_clock_us

if TYPE_CHECKING:
    from gms_replay.replay.keeping import Keeper
    from gms_replay.replay.passing import Passing
    from gms_replay.replay.stand_ins import StandIns


_LAST_WORDS_S = 1


@dataclass(frozen=True, slots=True)
class Aside:
    """`passing` answers what the cassette does not, None for nobody; `keeper` records what comes anew, None for nobody.

    `stand_ins` get the pushes; None for nobody.
    """

    passing: "Passing | None" = None
    keeper: "Keeper | None" = None
    stand_ins: "StandIns | None" = None

    @classmethod
    def opened(
        cls,
        on_miss: str,
        record_new: Path | None,
        note: Callable[[str], None],
        push_to: Sequence[str] = (),
        bundle_id: str | None = None,
        wish: Wish | None = None,
    ) -> "Aside":
        """As the options say. Raises OptionError or CassetteError."""
        # They bring httpx and the writer, which nobody else needs here: start-up is felt every day.
        upstream = passing = keeper = stand_ins = None
        if push_to:
            from gms_replay.replay.stand_ins import chosen

            stand_ins = chosen(push_to, bundle_id, note)
        elif bundle_id is not None:
            raise OptionError("--bundle-id: it goes with --push-to apns:FOLDER or simctl:DEVICE")
        if on_miss != "error":
            from gms_replay.replay.passing import Passing, wanted

            upstream = wanted(on_miss)
        if record_new is not None:
            from gms_replay.replay.keeping import Keeper

            told = str(upstream) if upstream else None
            keeper = Keeper(record_new, told, wish or Wish(), clock=wall_clock_us, note=note)
        if upstream is not None:
            passing = Passing(upstream, keeper, clock=wall_clock_us, note=note)
        return cls(passing, keeper, stand_ins)

    def keep(self, taken: PushTaken) -> None:
        """Records a push that came in."""
        if self.keeper is not None:
            self.keeper.keep(taken)

    async def end(self) -> None:
        """Ends connections, in the loop in which they were used; what is under way may take a second more."""
        if self.stand_ins is not None:
            await self.stand_ins.close(_LAST_WORDS_S)
        if self.passing is not None:
            await self.passing.close()

    def close(self) -> None:
        """Waits until all that was recorded is on disk, when nothing comes any more. Raises CassetteError."""
        if self.keeper is not None:
            self.keeper.close()
