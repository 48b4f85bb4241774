"""What `show --pushes` tells: what GMS told the devices, and what became of it; for people, and as JSON."""

from collections.abc import Iterator
from typing import Any

from gms_replay import pushes, sessions
from gms_replay.formats.objects import as_content
from gms_replay.formats.tale import count, described, heading, moment, plain
from gms_replay.model import Recording
from gms_replay.pushes import Derived, Notification


def tell(recording: Recording, name: str) -> Iterator[str]:
    """The lines: for each session its pushes, then those of none."""
    visits = sessions.split(recording)
    found = pushes.find(recording, visits)
    told = [*found.others, *(one for of_visit in found.of_visits for one in of_visit)]
    derived = sum(isinstance(one, Derived) for one in told)
    seen = count(len(told) - derived, "push", "pushes")
    yield f"{plain(name)}: {seen} seen, {derived} derived from what the apps ask for"
    for number, (visit, of_visit) in enumerate(zip(visits, found.of_visits, strict=True), start=1):
        if of_visit:
            yield ""
            yield heading(number, visit)
            yield from map(_line, of_visit)
    if found.others:
        yield ""
        yield "of no session:"
        yield from map(_line, found.others)


def to_json(recording: Recording, name: str) -> dict[str, Any]:
    """The same, whole, as what JSON can hold."""
    visits = sessions.split(recording)
    found = pushes.find(recording, visits)
    return {
        "file": name,
        "sessions": [
            {"number": number, "user": sessions.user_of(visit), "pushes": list(map(as_json, of_visit))}
            for number, (visit, of_visit) in enumerate(zip(visits, found.of_visits, strict=True), start=1)
        ],
        "others": list(map(as_json, found.others)),
    }


def _line(one: Notification | Derived) -> str:
    alert = f", “{one.alert}”" if isinstance(one, Notification) and one.alert else ""
    expires = ""
    if isinstance(one, Notification) and one.expires_at_us is not None:
        expires = f", until {moment(one.expires_at_us)}" if one.expires_at_us else ", tried once"
    return f"  {moment(one.at_us)}  {plain(f'{described(one)}{alert}{expires}')}"


def as_json(one: Notification | Derived) -> dict[str, Any]:
    """One push, whole, as what JSON can hold."""
    told = {
        "derived": isinstance(one, Derived),
        "exchange": one.exchange_id,
        "at_us": one.at_us,
        "service_id": one.service_id,
        "action": one.action,
    }
    if isinstance(one, Derived):
        return told
    result = one.result
    return told | {
        "push": one.push_id,
        "frame": one.frame_id,
        "provider": one.provider,
        "device": one.device,
        "alert": one.alert,
        "expires_at_us": one.expires_at_us,
        "result": result and {"status": result.status, "name": result.name, "reason": result.reason},
        "headers": one.headers,
        "payload": as_content(one.payload),
    }
