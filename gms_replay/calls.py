"""What a request of an app's asks, read: from whom, for which session, which operation, saying what.

Strategy: apps ask the same again and again, so what was read of a request that has no body is kept for the next that
is equal to it. It says nothing of what the request means to a session: that is the session's.
"""

from dataclasses import dataclass
from functools import cached_property

from gms_replay import addresses, fields, gms, recall
from gms_replay.addresses import Address
from gms_replay.events import Asked
from gms_replay.fields import Fields
from gms_replay.gms import Kind, Operation
from gms_replay.model import header

_KEPT = 1024


@dataclass(frozen=True, eq=False)
class Call:
    """A request for an operation. `asked`: without what `address` says."""

    asked: Asked
    address: Address
    operation: Operation

    @cached_property
    def user(self) -> str | None:
        """Whose it is, if it says so."""
        return gms.gms_user(self.asked.headers)

    @cached_property
    def said(self) -> Fields:
        """What it says, in the app's own words."""
        return fields.read(self.asked.target, self.asked.headers, self.asked.body)

    @cached_property
    def accepts(self) -> str:
        """The content codings that the app takes."""
        return header(self.asked.headers, "accept-encoding") or ""

    @cached_property
    def origin(self) -> str:
        """How the app reached us: scheme, host and port, and what a proxy in front of us took off the path."""
        host = header(self.asked.headers, "host") or "localhost"
        return f"{self.asked.scheme}://{host}{self.asked.forwarded_prefix}"

    @cached_property
    def came(self) -> tuple[object, ...]:
        """How the app reached us, and as whom."""
        return self.origin, self.operation.base, self.operation.kind is Kind.COMET, self.user, self.asked.peer


def read(asked: Asked) -> Call | Asked:
    """The call that a request is; where it is for nothing of GMS's, the request without what addresses a session.

    Raises OptionError for an address that is none.
    """
    return _read(asked) if asked.body else _kept(asked)


def _read(asked: Asked) -> Call | Asked:
    address, asked = addresses.read(asked)
    operation = gms.recognise(asked.method, asked.target, asked.body)
    return asked if operation is None else Call(asked, address, operation)


def _size(asked: Asked) -> int:
    """How much has to be kept of a request without a body."""
    return recall.of_all(asked.method, asked.target, asked.forwarded_prefix) + recall.of_headers(asked.headers)


_kept = recall.short(_KEPT, _size)(_read)
