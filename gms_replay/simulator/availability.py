"""Availability, version 1: the free slots of the next days, each an instant on a five-minute grid."""

from itertools import islice

from gms_replay.simulator.call import Answer, Call, json_answer
from gms_replay.simulator.clock import DAY_US, from_iso, iso_millis
from gms_replay.simulator.refusals import RefusalError, Wrong
from gms_replay.simulator.slots import Slots


def availability(call: Call, name: str, slots: Slots, now_us: int) -> Answer:
    """The free slots with the number of callbacks each still takes. Raises RefusalError.

    `start` (default: now), `end` or `number-of-days` (default: 1), `max-time-slots` (default: all).
    """
    fields = call.fields()
    start_us = max(now_us, _instant(fields, "start", now_us))
    days, slots_at_most = _number(fields, "number-of-days"), _number(fields, "max-time-slots")
    end_us = _instant(fields, "end", start_us + (1 if days is None else days) * DAY_US)
    free = islice(slots.free(name, start_us, end_us), slots_at_most)
    return json_answer({iso_millis(at_us): left for at_us, left in free})


def _instant(fields: dict[str, str], name: str, default_us: int) -> int:
    if not fields.get(name):
        return default_us
    try:
        return from_iso(fields[name])
    except ValueError:
        raise _refusal(name, fields[name]) from None


def _number(fields: dict[str, str], name: str) -> int | None:
    text = fields.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _refusal(name, text)
    return int(text)


def _refusal(name: str, value: str) -> RefusalError:
    return RefusalError(400, Wrong.REQUEST, f"Parameter {name} has a wrong value: {value}")
