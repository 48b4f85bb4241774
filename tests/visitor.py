"""An app like the vendor's sample, on httpx: seven visits to any GMS, each judged as it goes.

As a program: `python tests/visitor.py http://localhost:8080/genesys chat-wait`. A line per thing that happens; exit 0,
or 1 with a line that says what the GMS did wrong.
"""

import argparse
import asyncio
import contextlib
import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx
from visitor_chat import Chat
from visitor_dialogs import ACTIONS, check_confirmation, checked_dialog, choices
from visitor_push import Pushes
from visitor_wire import App, Customer, Fields, GmsError, expect, instant_of, now

from gms_replay.diff import Transcript

UNHEARD_URL = "http://127.0.0.1:9/push"
NOT_CONFIGURED = "no-such-service"
_GRID_S = 300
_LIKELIEST_CLOSED = (3, 2, 4, 1, 5, 0, 22, 23, *range(6, 22))
_DAYS = {"number-of-days": "3"}
_PATIENCE_S = 120.0


class Device(StrEnum):
    """What the app says of pushes: HEARING takes them, DEAF names a place where nobody listens, NONE names none."""

    HEARING = "hearing"
    DEAF = "deaf"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visit was told, and what happened in it, a line each."""

    name: str
    transcript: Transcript
    happened: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a visit asks of the callback. `snoozes`: puts the agent off once. `polls_by`: by which method it polls."""

    media: str
    direction: str
    waits: bool = False
    provide_code: bool = False
    snoozes: bool = False
    polls_by: str = "GET"
    as_json: bool = False


WISHES = {
    "voice-now-userorig": Wish("voice", "USERORIGINATED", provide_code=True),
    "voice-wait-userorig": Wish("voice", "USERORIGINATED", waits=True, provide_code=True),
    "voice-now-userterm": Wish("voice", "USERTERMINATED", as_json=True),
    "voice-wait-userterm": Wish("voice", "USERTERMINATED", waits=True, snoozes=True, polls_by="POST"),
    "voice-scheduled-userterm": Wish("voice", "USERTERMINATED", waits=True),
    "chat-now": Wish("chat", "USERORIGINATED"),
    "chat-wait": Wish("chat", "USERORIGINATED", waits=True, as_json=True),
}
NAMES = tuple(WISHES)


async def visit(
    base_url: str,
    name: str,
    *,
    service: str = "customer-service",
    customer: Customer | None = None,
    device: Device = Device.NONE,
    pause_s: float = 1.0,
    patience_s: float = _PATIENCE_S,
    say: Callable[[str], None] = lambda _: None,
    **options: Any,
) -> Visit:
    """Goes through one of NAMES; `options` are for its httpx client. Raises GmsError with what the GMS did wrong."""
    happened: list[str] = []

    def note(line: str) -> None:
        happened.append(line)
        say(line)

    customer = customer or Customer()
    started_at_us = time.time_ns() // 1000
    async with contextlib.AsyncExitStack() as stack:
        pushes = await stack.enter_async_context(Pushes()) if device is Device.HEARING else None
        push_url = pushes.url if pushes else UNHEARD_URL if device is Device.DEAF else None
        user = {"gms_user": customer.gms_user}
        http = httpx.AsyncClient(headers=user, timeout=30, trust_env=False, **options)
        await stack.enter_async_context(http)
        app = App(http, base_url.rstrip("/"), service, customer, note, push_url, pushes, pause_s, patience_s)
        await (_scheduled if name == "voice-scheduled-userterm" else _called)(app, WISHES[name])
    parts = urlsplit(base_url)
    channels = {channel: tuple(messages) for channel, messages in app.channels.items()}
    transcript = Transcript(f"{parts.scheme}://{parts.netloc}", started_at_us, tuple(app.answers), channels)
    return Visit(name, transcript, tuple(happened))


async def _called(app: App, wish: Wish) -> None:
    """A callback for now, or for when an agent is free."""
    told = await _started(app, wish)
    service_id = _service_id(told)
    if wish.waits:
        _shown(app, told, service_id)
        dialog = await _confirmed(app, wish, service_id)
    else:
        dialog = await _first_dialog(app, wish, told, service_id)
    if wish.media == "chat":
        expect(dialog.get("_action") == "StartChat", f"a chat goes on with StartChat, not with {dialog}")
        chat = Chat(app, dialog, service_id, as_json=wish.as_json, verbose=wish.waits)
        await chat.lead("Hello, is my order on its way?", "Its number is 7.", "Thank you, bye")
    else:
        due = "DialNumber" if wish.direction == "USERORIGINATED" else "ConfirmationDialog"
        expect(dialog.get("_action", due) == due, f"{wish.direction} goes on with {due}, not with {dialog['_action']}")


async def _started(app: App, wish: Wish, **more: str) -> Fields:
    return await app.ask("POST", app.callback_url, **_opening(app, wish, **more))


def _opening(app: App, wish: Wish, **more: str) -> dict[str, Any]:
    """The request that starts a callback, as httpx takes it."""
    waits = str(wish.waits).lower()
    fields = {
        "_customer_number": app.customer.number,
        "_call_direction": wish.direction,
        "_wait_for_agent": waits,
        "_wait_for_user_confirm": waits,
        "_media_type": wish.media,
        "_provide_code": str(wish.provide_code).lower(),
        "first_name": app.customer.first_name,
        "last_name": app.customer.last_name,
    } | more
    if app.push_url:
        fields |= {"_device_os": "httpcb", "_device_notification_id": app.push_url}
    return {"json": fields} if wish.as_json else {"data": fields}


def _service_id(told: Any) -> str:
    expect(isinstance(told, dict) and isinstance(told.get("_id"), str) and told["_id"], f"a start without _id: {told}")
    return told["_id"]


def _shown(app: App, told: Fields, service_id: str) -> Fields | None:
    """The dialog in an answer, shown to the customer; None where there is none."""
    if not (told.get("_action") or told.get("_text") or told.get("error")):
        return None
    dialog = checked_dialog(told, service_id, app.customer.gms_user)
    text = dialog.get("_tel_url") or dialog.get("_text") or dialog.get("_label") or ""
    app.say(f"{dialog.get('_action', 'dialog')}: {text}")
    return dialog


async def _first_dialog(app: App, wish: Wish, told: Fields, service_id: str) -> Fields:
    """What a callback for now goes on with: the start's own dialog, else the one that a push or the app names."""
    if dialog := _shown(app, told, service_id):
        return dialog
    if wish.media == "chat":
        action = "get-dialog-start-chat"
    else:
        action = "connect-inbound" if wish.direction == "USERORIGINATED" else "connect-outbound"
    return await _asked_dialog(app, service_id, await _pushed(app, service_id, action))


async def _confirmed(app: App, wish: Wish, service_id: str) -> Fields:
    """Waits for the agent, perhaps puts it off once, and connects; gives the dialog that follows."""
    menu = await _menu(app, wish, service_id)
    if wish.snoozes:
        await _chosen(app, menu, "snooze", service_id)
        menu = await _menu(app, wish, service_id)
    dialog = await _chosen(app, menu, "connect", service_id)
    expect(dialog, "connect was answered without a dialog")
    assert dialog is not None
    return dialog


async def _menu(app: App, wish: Wish, service_id: str) -> Fields:
    await app.poll(
        wish.polls_by,
        app.service_url(service_id, "check-queue-position"),
        _is_first,
        lambda: asyncio.sleep(app.pause_s),
    )
    app.say("first in the queue")
    own = f"get-dialog-user-confirmation-provide_code-{str(wish.provide_code).lower()}"
    action = await _pushed(app, service_id, own)
    expect(action == own, f"asked for {own}, pushed is {action}")
    menu = await _asked_dialog(app, service_id, action)
    expect(menu.get("_action") == "DisplayMenu", f"{action} was answered with {menu.get('_action')}, not DisplayMenu")
    check_confirmation(menu, provide_code=wish.provide_code)
    return menu


def _is_first(told: Any) -> bool:
    for name in ("_position", "_eta", "_total_waiting"):
        value = told.get(name) if isinstance(told, dict) else None
        expect(isinstance(value, str), f"check-queue-position: {name} is a string, not {value!r}")
    return told["_position"] == "0"


async def _pushed(app: App, service_id: str, own: str) -> str:
    """The action that GMS pushes; `own` for an app that hears none."""
    if app.pushes is None:
        return own
    try:
        text, push = await app.pushes.next(app.patience_s)
    except TimeoutError:
        raise GmsError(f"no push within {app.patience_s:g} s") from None
    expect(push, f"a push that says nothing of _id and _action: {text!r}")
    assert push is not None
    expect(push["_id"] == service_id, f"a push for {push['_id']}, not for {service_id}")
    expect(push.get("_action") in ACTIONS, f"a push for an unknown action: {text!r}")
    app.say(f"pushed: {push['_action']}")
    return push["_action"]


async def _asked_dialog(app: App, service_id: str, action: str) -> Fields:
    dialog = _shown(app, await app.ask("POST", app.service_url(service_id, action)), service_id)
    expect(dialog, f"{action} was answered without a dialog")
    assert dialog is not None
    return dialog


async def _chosen(app: App, menu: Fields, leads_to: str, service_id: str) -> Fields | None:
    found = next((choice for choice in choices(menu) if choice.leads_to == leads_to), None)
    expect(found, f"the menu offers no {leads_to}: {[choice.url for choice in choices(menu)]}")
    assert found is not None
    app.say(f"chooses {found.label!r}")
    return _shown(app, await app.ask(found.method, found.url), service_id)


async def _scheduled(app: App, wish: Wish) -> None:
    """A callback by appointment: refused twice, taken, moved, called off."""
    elsewhere = f"{app.base}/1/service/callback/{NOT_CONFIGURED}/availability"
    await app.ask_in_vain("GET", elsewhere, "CallbackExceptionResource", params=_DAYS)
    slots = _slots(await _availability(app))
    chosen = await _proposed(app, wish, slots)
    told = await _started(app, wish, _desired_time=chosen)
    service_id = _service_id(told)
    _shown(app, told, service_id)
    app.say(f"scheduled for {chosen}")
    _check_time(await _record(app, service_id), chosen)
    left = _slots(await _availability(app)).get(chosen, 0)
    expect(chosen not in slots or left < slots[chosen], f"{chosen} was taken, and still has {left} places")
    later = next((time for time in slots if time > chosen), None) or next(time for time in slots if time != chosen)
    await _moved_and_called_off(app, service_id, later)


async def _proposed(app: App, wish: Wish, slots: dict[str, int]) -> str:
    """Asks for a time when the office is closed; gives the first that GMS proposes instead, or has to offer."""
    closed = next((time for time in _odd_times() if time not in slots), "")
    expect(closed, "the office never closes: every hour of tomorrow is offered")
    opening = _opening(app, wish, _desired_time=closed)
    refusal = await app.ask_in_vain("POST", app.callback_url, "CallbackExceptionAvailability", **opening)
    return next(iter(_slots(refusal.slots) if refusal.slots else slots))


async def _moved_and_called_off(app: App, service_id: str, later: str) -> None:
    own = f"{app.callback_url}/{service_id}"
    await app.ask("PUT", own, json={"_new_desired_time": later})
    app.say(f"moved to {later}")
    record = await _record(app, service_id)
    _check_time(record, later)
    await app.ask("DELETE", own)
    app.say("called off")
    gone = await _record(app, service_id)
    expect(
        gone != record and (gone or {}).get("_callback_state") != "SCHEDULED", f"called off, and still there: {gone}"
    )


async def _availability(app: App) -> Fields:
    return await app.ask("GET", f"{app.callback_url}/availability", params=_DAYS)


def _slots(told: Any) -> dict[str, int]:
    """The slots that are still to come, as apps keep them."""
    expect(isinstance(told, dict) and told, f"no time slots: {told}")
    moments = []
    for key, places in told.items():
        moment = instant_of(key)
        expect(moment, f"a time slot that is no instant: {key!r}")
        assert moment is not None
        expect(moment.timestamp() % _GRID_S == 0, f"a time slot beside the grid: {key}")
        expect(isinstance(places, int) and places >= 0, f"a time slot of {places!r} places: {key}")
        expect(moment > now(), f"a time slot in the past: {key}")
        moments.append(moment)
    expect(all(a < b for a, b in itertools.pairwise(moments)), f"time slots out of order: {list(told)[:5]}")
    return {key: places for key, places in told.items() if places}


def _odd_times() -> list[str]:
    """Full hours of tomorrow, the likeliest first at which an office is closed: a replayed one may be so at any."""
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return [f"{midnight + timedelta(hours=hour):%Y-%m-%dT%H:%M:%S}.000Z" for hour in _LIKELIEST_CLOSED]


async def _record(app: App, service_id: str) -> Fields | None:
    """The callback in the customer's list; None where it is not."""
    params = {"operand": "AND", "_customer_number": app.customer.number}
    told = await app.ask("GET", app.callback_url, params=params)
    expect(isinstance(told, list), f"a query is answered by a list, not by {told!r}")
    found = [record for record in told if isinstance(record, dict) and record.get("_id") == service_id]
    expect(len(found) < 2, f"{service_id} is listed twice")
    return found[0] if found else None


def _check_time(record: Fields | None, due: str) -> None:
    expect(record, "the callback is not in the customer's list")
    told = (record or {}).get("_desired_time")
    expect(instant_of(told) == instant_of(due), f"asked for {due}, listed with {told}")


def main() -> int:
    """The program; gives its exit status."""
    parser = argparse.ArgumentParser(description="Goes through a visit of the vendor's sample app against a GMS.")
    parser.add_argument("base_url", help="e.g. http://localhost:8080/genesys")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--service", default="customer-service", help="the configured callback [%(default)s]")
    parser.add_argument(
        "--device", choices=list(Device), default=Device.NONE, help="hearing takes pushes [%(default)s]"
    )
    parser.add_argument("--pause", type=float, default=1.0, metavar="S", help="between polls [%(default)s]")
    given = parser.parse_args()
    device = Device(given.device)
    going = visit(given.base_url, given.name, service=given.service, device=device, pause_s=given.pause, say=_print)
    try:
        asyncio.run(going)
    except GmsError as wrong:
        print(f"{given.name}: {wrong}", file=sys.stderr)
        return 1
    return 0


def _print(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
