"""Dialogs, as an app reads them: what they must say, whatever else is in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from visitor_wire import Fields, expect, instant_of, now

ACTIONS = frozenset(
    {
        "get-dialog-user-confirmation-provide_code-true",
        "get-dialog-user-confirmation-provide_code-false",
        "get-dialog-start-chat",
        "connect-inbound",
        "connect-outbound",
        "wait-for-agent",
    }
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a menu. `leads_to`: the last segment of its URL."""

    label: str
    url: str
    method: str
    leads_to: str


def checked_dialog(told: Any, service_id: str | None, gms_user: str) -> Fields:
    """A dialog of any kind; `service_id` is the callback's, where it is known."""
    expect(isinstance(told, dict), f"a dialog is an object, not {told!r}")
    expect(not told.get("error"), f"the dialog carries an error: {told.get('error')}")
    action = told.get("_action")
    expect(action or told.get("_text"), f"a dialog without _action and without _text: {told}")
    if service_id and "_id" in told:
        expect(told["_id"] == service_id, f"the dialog is of {told['_id']}, not of {service_id}")
    if action == "DialNumber":
        expect(_text(told, "_tel_url"), f"DialNumber without _tel_url: {told}")
    elif action == "ConfirmationDialog":
        expect(
            _text(told, "_text") and _text(told, "_ok_title"), f"ConfirmationDialog without _text, _ok_title: {told}"
        )
    elif action == "StartChat":
        _check_start_chat(told, gms_user)
    elif action == "DisplayMenu":
        _check_menu(told)
    return told


def choices(menu: Fields) -> list[Choice]:
    """All lines of a menu, in order."""
    return [
        Choice(item["_label"], item["_user_action_url"], item["_method"], _last_segment(item["_user_action_url"]))
        for item in _items(menu)
    ]


def check_confirmation(menu: Fields, *, provide_code: bool) -> None:
    """The menu with a code to be provided warns before it connects; the other one does not."""
    warnings = [item["_confirmation_dialog"] for item in _items(menu) if item.get("_confirmation_dialog")]
    expect(
        bool(warnings) == provide_code,
        f"provide_code-{str(provide_code).lower()}, and confirmation dialogs: {warnings}",
    )
    for warning in warnings:
        expect(_text(warning, "_text"), f"a confirmation dialog without _text: {warning}")
        timeout = warning.get("_dismiss_timeout")
        expect(isinstance(timeout, int | float) and timeout > 0, f"_dismiss_timeout is no duration: {timeout!r}")


def _check_start_chat(told: Fields, gms_user: str) -> None:
    for name in ("_start_chat_url", "_comet_url"):
        expect(_is_url(told.get(name)), f"StartChat's {name} is no URL: {told.get(name)!r}")
    user = told.get("_user_header", gms_user)
    expect(user == gms_user, f"StartChat's _user_header is {user!r}, the app said {gms_user!r}")


def _check_menu(menu: Fields) -> None:
    expires = instant_of(menu.get("_expires"))
    expect(menu.get("_expires") is not None, "the menu has no _expires")
    expect(expires is None or expires > now(), f"the menu expired before it came: _expires {menu['_expires']}")
    for name in ("_resource_url", "_user_action_url"):
        expect(name not in menu or _is_url(menu[name]), f"the menu's {name} is no URL: {menu.get(name)!r}")
    items = list(_items(menu))
    expect(items, "the menu has nothing to choose")
    for item in items:
        expect(_text(item, "_label"), f"a menu item without _label: {item}")
        expect(_is_url(item.get("_user_action_url")), f"a menu item's _user_action_url is no URL: {item}")
        expect(_text(item, "_method"), f"a menu item without _method: {item}")


def _items(menu: Fields) -> Iterator[Fields]:
    for group in menu.get("_content") or []:
        expect(_text(group, "_group_name"), f"a menu's group without _group_name: {group}")
        yield from group.get("_group_content") or []


def _text(told: Fields, name: str) -> bool:
    return isinstance(told.get(name), str) and bool(told[name].strip())


def _is_url(value: object) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme in {"http", "https"} and bool(urlsplit(value).netloc)


def _last_segment(url: str) -> str:
    return urlsplit(url).path.rstrip("/").rpartition("/")[2]
