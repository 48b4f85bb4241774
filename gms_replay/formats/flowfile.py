"""mitmproxy's flow files (`mitmdump -w`): read, and written, by mitmproxy itself.

What mitmproxy has no place for stands as JSON in the flow's metadata (`asides`), which it keeps and does not read.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import IO

from mitmproxy.exceptions import FlowReadException
from mitmproxy.flow import Flow
from mitmproxy.http import HTTPFlow
from mitmproxy.io import FlowReader, FlowWriter
from mitmproxy.tcp import TCPFlow

from gms_replay.errors import FormatError
from gms_replay.formats import asides, flows, foreign
from gms_replay.formats.foreign import Line, Rest, Told
from gms_replay.model import Recording

_ASIDE = "gms_replay"


def load(content: bytes, name: str) -> Iterator[Told | Line | Rest | None]:
    """What the flows of a file tell; None for one that is neither HTTP nor TCP.

    A file that is cut short, as a mitmdump leaves it that was killed, ends with a Rest. `name` is what the file is
    called in errors. Raises FormatError where its first flow cannot be read, or one is none of mitmproxy's.
    """
    read = iter(FlowReader(BytesIO(content)).stream())
    number = 0
    while True:
        number += 1
        where = f"{name}, flow {number}"
        try:
            flow = next(read, None)
            if flow is None:
                return
            told = _told(flow, where)
        except FormatError:
            raise
        except FlowReadException as error:
            why = f"{where}: mitmproxy cannot read it: {_why(error)}"
            if number == 1:
                raise FormatError(f"{why}; is it whole, and no newer than the mitmproxy here?") from None
            yield Rest(why)
            return
        # What mitmproxy raises over a state that it did not write itself.
        except (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
            raise FormatError(f"{where}: is no flow of mitmproxy's; save it anew by mitmdump -nr FILE -w NEW") from None
        yield told


def dump(recording: Recording, file: IO[bytes]) -> None:
    """Write all exchanges and connections of a recording, in the order in which they began."""
    told: list[tuple[int, Flow]] = [
        *((one.exchange.request.started_at_us, _of_exchange(one)) for one in foreign.exchanges(recording)),
        *((one.connection.opened_at_us, _of_connection(one)) for one in foreign.connections(recording)),
    ]
    writer = FlowWriter(file)  # type: ignore[no-untyped-call]
    for _, flow in sorted(told, key=lambda pair: pair[0]):
        writer.add(flow)


def _why(error: FlowReadException) -> str:
    return " ".join(str(error).split()).rstrip(".") or "invalid data"


def _told(flow: Flow, where: str) -> Told | Line | None:
    aside = flow.metadata.get(_ASIDE)
    if isinstance(flow, HTTPFlow):
        told: Told | Line = flows.exchange(flow)
    elif isinstance(flow, TCPFlow):
        told = flows.connection(flow)
    else:
        return None
    if aside is not None:
        told = _completed(told, aside, where)
    elif isinstance(told, Told) and isinstance(flow, HTTPFlow):
        told = replace(told, lacks_body=_lacks_body(flow))
    foreign.require_fit(told)
    return told


def _lacks_body(flow: HTTPFlow) -> bool:
    """What mitmproxy streamed, it did not keep."""
    return any(one is not None and one.raw_content is None for one in (flow.request, flow.response))


def _completed(found: Told | Line, aside: str, where: str) -> Told | Line:
    beside = f"{where}, what {_ASIDE} keeps in its metadata"
    try:
        told = json.loads(aside)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{beside}: {error}; export it again") from None
    return asides.exchange(found, told, beside) if isinstance(found, Told) else asides.connection(found, told, beside)


def _of_exchange(told: Told) -> HTTPFlow:
    flow = flows.of_exchange(told)
    flow.metadata[_ASIDE] = json.dumps(asides.of_exchange(told, flows.exchange(flow)))
    return flow


def _of_connection(told: Line) -> TCPFlow:
    flow = flows.of_connection(told)
    flow.metadata[_ASIDE] = json.dumps(asides.of_connection(told, flows.connection(flow)))
    return flow
