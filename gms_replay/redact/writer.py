"""Writes facts without their secrets: what `cassette.writer` is told here is redacted before it goes anywhere."""

import os
import threading
from collections.abc import Callable

from gms_replay.cassette import writer
from gms_replay.model import Direction, Frame, Message, Outcome, Request, Transport
from gms_replay.redact.redactor import Redactor


class Writer(writer.Writer):
    """A `cassette.writer.Writer` of one run; `redactor` may be that of others too, for what they have in common."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        redactor: Redactor,
        *,
        started_at_us: int,
        mode: str,
        upstream: str | None,
        versions: tuple[tuple[str, str], ...],
        is_durable: bool = False,
        on_failure: Callable[[Exception], None] | None = None,
    ) -> None:
        self._redactor = redactor
        self._redacting = threading.Lock()
        super().__init__(
            path,
            started_at_us=started_at_us,
            mode=mode,
            upstream=upstream and redactor.text(upstream),
            versions=versions,
            redaction=redactor.redaction,
            is_durable=is_durable,
            on_failure=on_failure,
        )

    def request(self, exchange_id: int, request: Request) -> Request:
        with self._redacting:
            told = self._redactor.request(request)
        return super().request(exchange_id, told)

    def outcome(self, exchange_id: int, outcome: Outcome) -> Outcome:
        with self._redacting:
            told = self._redactor.outcome(outcome)
        return super().outcome(exchange_id, told)

    def message(
        self,
        exchange_id: int,
        direction: Direction,
        transport: Transport,
        at_us: int,
        index: int,
        channel: str,
        raw: bytes,
    ) -> Message:
        with self._redacting:
            told = self._redactor.message(raw, direction)
            told_channel = self._redactor.channel(channel)
        return super().message(exchange_id, direction, transport, at_us, index, told_channel, told)

    def push(self, exchange_id: int | None, provider: str, at_us: int, payload: bytes) -> None:
        with self._redacting:
            told = self._redactor.push(payload)
        super().push(exchange_id, provider, at_us, told)

    def socket_closed(
        self, exchange_id: int, at_us: int, code: int | None, reason: str, closed_by: Direction | None
    ) -> None:
        with self._redacting:
            told = self._redactor.text(reason)
        super().socket_closed(exchange_id, at_us, code, told, closed_by)

    def frame(self, connection_id: int, direction: Direction, at_us: int, raw: bytes) -> Frame:
        with self._redacting:
            told = self._redactor.frame(raw, direction)
        return super().frame(connection_id, direction, at_us, told)
