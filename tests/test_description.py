"""The description of the control API, held to what `control` reads and to what the player tells."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from driver import App, Driver, begin_chat
from factories import CHAT_DIALOG, PROVIDERS, SERVICE, visit

from gms_replay.control import CLOCK, FAULTS, MISSES, PREFIX, PROVIDER, PUSHES, ROUTES, SESSIONS
from gms_replay.faults import Do
from gms_replay.player import Player
from gms_replay.story import compile_stories

TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": int | float, "boolean": bool,
    "null": type(None),
}  # fmt: skip


_OF_ONE = {"sessions": "{session}", "faults": "{number}"}


def asked_app() -> App:
    """An app that has asked for what there is, and for what there is not, and was told pushes of its own."""
    app = App(Driver(Player(compile_stories(visit()), holds_pushes=True)))
    begin_chat(app)
    app.call("GET", "/genesys/1/service/nowhere")
    app.call("POST", PROVIDERS["apns"], {"aps": {}, "message": {"_id": SERVICE, "_action": "get-dialog-start-chat"}})
    app.call("POST", PROVIDERS["apns"], {"aps": {}, "message": {"_id": SERVICE, "_action": CHAT_DIALOG[-5:]}})
    app.call("POST", FAULTS, {"on": "send", "do": "error", "times": [3]})
    return app


def description() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(
        App(Driver(Player(compile_stories(visit())))).call("GET", f"{PREFIX}openapi.json").body
    )
    return told


def unlike(schema: dict[str, Any], value: Any, at: str = "$") -> Iterator[str]:
    """Where a value is other than the schema says: the words of JSON Schema that the description uses."""
    if "$ref" in schema:
        schema = description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "type" in schema:
        types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        if not any(isinstance(value, TYPES[one]) for one in types):
            yield f"{at}: {value!r} is no {types}"
            return
    for word in ("anyOf", "oneOf"):
        if word in schema and all(any(unlike(one, value)) for one in schema[word]):
            yield f"{at}: {value!r} is none of {word}"
    if ("enum" in schema and value not in schema["enum"]) or schema.get("const", value) != value:
        yield f"{at}: {value!r} is another word"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: {value!r} is no {schema['pattern']}"
    if "not" in schema and not any(unlike(schema["not"], value)):
        yield f"{at}: {value!r} is what it must not be"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield f"{at}: {value!r} is too little"
    if "required" in schema:
        known = schema.get("properties", {})
        unknown = set() if schema.get("additionalProperties", True) else value.keys() - known
        wrong = (set(schema["required"]) - value.keys()) | unknown
        yield from (f"{at}.{name}: lacking, or unknown" for name in sorted(wrong))
        for name in known.keys() & value.keys():
            yield from unlike(known[name], value[name], f"{at}.{name}")
    if "items" in schema:
        for place, one in enumerate(value):
            yield from unlike(schema["items"], one, f"{at}[{place}]")


def test_every_route_is_described() -> None:
    described = {
        (path.split("/")[1], method.upper()) for path, methods in description()["paths"].items() for method in methods
    }

    assert described == {(page, method) for page, methods in ROUTES.items() for method in methods}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", CLOCK, b""),
        ("POST", CLOCK, b'{"to": "next", "session": "s1"}'),
        ("GET", SESSIONS, b""),
        ("GET", f"{SESSIONS}/s1", b""),
        ("GET", MISSES, b""),
        ("GET", PUSHES, b""),
        ("POST", PUSHES, b'{"release": 1}'),
        ("POST", PUSHES, b'{"hold": true, "session": "s1"}'),
        ("GET", PROVIDER, b""),
        ("GET", FAULTS, b""),
        ("POST", FAULTS, b'{"on": "any", "do": "cut", "after_bytes": 3, "session": 2}'),
        ("GET", f"{FAULTS}/1", b""),
        ("DELETE", f"{FAULTS}/1", b""),
        ("DELETE", FAULTS, b""),
        ("GET", f"{PREFIX}openapi.json", b""),
        ("DELETE", PROVIDER, b""),
        ("DELETE", MISSES, b""),
        ("DELETE", f"{SESSIONS}/s1", b""),
        ("DELETE", SESSIONS, b""),
        # Refusals.
        ("POST", CLOCK, b"{}"),
        ("GET", f"{SESSIONS}/nobody", b""),
        ("GET", f"{PUSHES}?after=x", b""),
        ("POST", PUSHES, b"[]"),
        ("POST", FAULTS, b"[]"),
        ("GET", f"{FAULTS}/77", b""),
        ("DELETE", f"{FAULTS}/77", b""),
        ("GET", f"{FAULTS}/{10**17}", b""),
    ],
)
def test_what_is_told_is_described(method: str, path: str, body: bytes) -> None:
    answer = asked_app().call(method, path, body)
    page = path.partition("?")[0].removeprefix(PREFIX)
    page, _, one = page.partition("/")
    route = f"/{page}/{_OF_ONE[page]}" if one else f"/{page}"

    described = description()["paths"][route][method.lower()]["responses"][str(answer.status)]
    schema = described["content"]["application/json"]["schema"]

    assert not list(unlike(schema, json.loads(answer.body)))


def test_every_list_was_told_something() -> None:
    app = asked_app()
    app.call("POST", PUSHES, {"release": "all"})

    told = [json.loads(app.call("GET", page).body) for page in (CLOCK, SESSIONS, MISSES, PUSHES, PROVIDER, FAULTS)]

    assert [key for one in told for key, value in one.items() if value == []] == []


@pytest.mark.parametrize(
    ("schema", "page"),
    [("ClockMove", CLOCK), ("PushOrder", PUSHES)],
)
def test_every_field_of_a_body_is_described(schema: str, page: str) -> None:
    refusal = json.loads(asked_app().call("POST", page, {"nonsense": 1}).body)["error"]

    kinds = description()["components"]["schemas"][schema]["oneOf"]

    assert sorted({name for kind in kinds for name in kind["properties"]}) == refusal.partition("there are ")[2].split(
        ", "
    )


SAMPLES: dict[str, Any] = {
    "session": "bob:2", "times": [3], "first": 1, "every": 2, "count": 1, "chance": 0.5, "delay_ms": 5, "jitter_ms": 5,
    "status": 500, "status_code": 1, "exception": "e", "message": "m", "after_bytes": 3, "advice": "none",
}  # fmt: skip
NAMED = [
    "any", "comet", "push", "push connect", "send", "send x", "sned", "/_genesys", "/meta", "/meta/handshake",
    "/meta/connect", "/meta/conect", "/meta/*", "/meta/**",
]  # fmt: skip


FEW = ("send", "/meta/handshake", "/meta/connect", "/_genesys")


@pytest.mark.parametrize("do", list(Do))
def test_fault_that_is_described_is_taken_and_no_other(do: Do) -> None:
    app, fault = asked_app(), description()["components"]["schemas"]["Fault"]
    plain: list[dict[str, Any]] = [{"on": on, "do": do, "delay_ms": 5} for on in NAMED]
    plain += [{"on": on, "do": do, first: SAMPLES[first]} for on in NAMED for first in SAMPLES]
    pairs = [one | {second: SAMPLES[second]} for one in plain for second in SAMPLES if one["on"] in FEW]
    said = [*plain, *pairs, {"on": "send", "do": do, "delay_ms": 0}]

    taken = [one for one in said if app.call("POST", FAULTS, one).status == 200]

    assert taken == [one for one in said if not list(unlike(fault, one))]


def test_every_parameter_is_described() -> None:
    refusal = json.loads(asked_app().call("GET", f"{PUSHES}?nonsense=1").body)["error"]

    parameters = description()["paths"]["/pushes"]["get"]["parameters"]

    assert sorted(one["name"] for one in parameters) == refusal.partition("there are ")[2].split(", ")
