"""Availability, version 1: the slots of the next days, each an instant on a five-minute grid."""

from gms_replay.simulator.call import Answer, Call, RefusalError, json_answer
from gms_replay.simulator.clock import DAY_US, MINUTE_US, from_iso, iso_millis

_GRID_US = 5 * MINUTE_US
_HORIZON_DAYS = 31


def availability(call: Call, now_us: int) -> Answer:
    """The free slots with the number of callbacks each still takes. Raises RefusalError.

    `start` (default: now), `end` or `number-of-days` (default: 1), `max-time-slots` (default: all).
    """
    fields = call.fields()
    start_us = max(now_us, _instant(fields, "start", now_us))
    end_us = _instant(fields, "end", start_us + _number(fields, "number-of-days", 1) * DAY_US)
    first = -(-start_us // _GRID_US)
    last = -(-min(end_us, now_us + _HORIZON_DAYS * DAY_US) // _GRID_US)
    slots = range(first, last)[: _number(fields, "max-time-slots", max(0, last - first))]
    return json_answer({iso_millis(slot * _GRID_US): 1 + slot % 5 for slot in slots})


def _instant(fields: dict[str, str], name: str, default_us: int) -> int:
    if not fields.get(name):
        return default_us
    try:
        return from_iso(fields[name])
    except ValueError:
        raise _refusal(name, fields[name]) from None


def _number(fields: dict[str, str], name: str, default: int) -> int:
    text = fields.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _refusal(name, text)
    return int(text)


def _refusal(name: str, value: str) -> RefusalError:
    return RefusalError(400, "exceptions.BadRequestException", f"Parameter {name} has a wrong value: {value}")
