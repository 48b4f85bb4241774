"""What comes in anew, recorded as a recorder would."""

from collections.abc import Callable
from pathlib import Path

from gms_replay import __version__
from gms_replay.cassette.writer import Writer
from gms_replay.events import PushTaken


def writer(file: Path, upstream: str | None, *, clock: Callable[[], int], note: Callable[[str], None]) -> Writer:
    """A new run in a cassette. `upstream`: where misses are sent on, None for nowhere. Raises CassetteError."""
    return Writer(
        file,
        started_at_us=clock(),
        mode="serve",
        upstream=upstream,
        versions=(("gms_replay", __version__),),
        on_failure=lambda error: note(f"--record-new {file}: {error}"),
    )


def keep(writer: Writer, taken: PushTaken) -> None:
    """Records a push that came in, with its exchange."""
    request, outcome = taken.exchange.request, taken.exchange.outcome
    exchange_id = writer.begin_exchange()
    writer.request(exchange_id, request)
    writer.push(exchange_id, taken.provider, request.asked_at_us, request.body.plain)
    if outcome is not None:
        writer.outcome(exchange_id, outcome)
    writer.exchange_over(exchange_id)
