"""The control API as OpenAPI 3.1 describes it, for clients that are generated, and for who looks for what is there.

Written by hand, beside `control`, which reads the requests; a test holds each route and field to it.
"""

import json
from typing import Any

from gms_replay import addresses, fault_rules
from gms_replay.faults import Do

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_MAYBE_TEXT: Schema = {"type": ["string", "null"]}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_NUMBER: Schema = {"type": "integer", "minimum": 1}
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_MAYBE_INSTANT: Schema = {"type": ["string", "null"], "format": "date-time"}
_NAME: Schema = {"type": "string", "minLength": 1}
_LONGEST_MS = 10 * 366 * 24 * 3600 * 1000
_LONGEST_WAIT_MS = 10 * 60 * 1000
_LARGEST = 10**18 - 1


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(fields: dict[str, Schema], optional: dict[str, Schema] | None = None, **more: Any) -> Schema:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "properties": fields | (optional or {}),
        "required": list(fields),
        "additionalProperties": False,
        **more,
    }


def _of(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_TIMES: dict[str, Schema] = {
    "now": _INSTANT | {"description": "What time it is in the story."},
    "next": _MAYBE_INSTANT | {"description": "When the story goes on; null where nothing is due by itself."},
    "waits_for": _MAYBE_TEXT | {"description": "The act of the app's that the story waits for."},
}
_EXPECTED: dict[str, Schema] = {
    "_id": _MAYBE_TEXT,
    "_action": _MAYBE_TEXT,
    "derived": _FLAG | {"description": "Whether nobody saw it: it is told from what the app asked for."},
    "provider": _MAYBE_TEXT,
    "recorded_at": _INSTANT,
    "reason": _MAYBE_TEXT | {"description": "Why the provider refused the recorded one."},
}
_DIFFERENCE = _object({"field": _TEXT, "asked": _MAYBE_TEXT, "recorded": _MAYBE_TEXT})
_SESSION_FIELD: dict[str, Schema] = {"session": _NAME | {"description": "That session alone; without it, all."}}

_SCHEMAS: dict[str, Schema] = {
    "Error": _object({"error": _TEXT}),
    "Clock": _object({"clock": {"enum": ["real", "virtual"]}, "sessions": _list(_object({"session": _NAME} | _TIMES))}),
    "ClockMove": {
        "oneOf": [
            _object({"advance_ms": {"type": "number", "minimum": 0, "maximum": _LONGEST_MS}}, _SESSION_FIELD),
            _object({"to": {"const": "next"}}, _SESSION_FIELD),
        ]
    },
    "Sessions": _object(
        {
            "sessions": _list(
                _object(
                    {
                        "session": _NAME,
                        "visit": _NUMBER,
                        "gms_user": _MAYBE_TEXT,
                        "address": _TEXT,
                        "opened_at": _INSTANT,
                        "seen_at": _INSTANT,
                        "comet": {"enum": ["bound", "guessed", None]},
                        **_TIMES,
                        "is_told": _FLAG,
                    }
                )
            )
        }
    ),
    "Dropped": _object({"dropped": _list(_NAME)}),
    "Forgotten": _object({"forgotten": _COUNT}),
    "Miss": _object(
        {
            "at": _INSTANT,
            "error": _TEXT,
            "kind": _TEXT,
            "session": _MAYBE_TEXT,
            "asked": _object({"method": _TEXT, "target": _TEXT}),
            "nearest": _list(
                _object(
                    {
                        "method": _TEXT,
                        "target": _TEXT,
                        "fields": {"type": "object", "description": "What would have matched."},
                        "differences": _list(_DIFFERENCE),
                        "more": _COUNT,
                    }
                )
            ),
        }
    ),
    "Misses": _object({"count": _COUNT, "misses": _list(_of("Miss"))}),
    "Push": _object(
        {
            "number": _NUMBER,
            "session": _NAME,
            "visit": _NUMBER,
            "at": _INSTANT,
            "derived": _FLAG,
            "provider": _MAYBE_TEXT,
            "device": _MAYBE_TEXT,
            "_id": _MAYBE_TEXT,
            "_action": _MAYBE_TEXT,
            "headers": {"type": "object", "additionalProperties": _TEXT},
            "payload": _TEXT,
        }
    ),
    "Pushes": _object({"pushes": _list(_of("Push")), "held": _COUNT}),
    "PushOrder": {
        "oneOf": [
            _object({"hold": _FLAG}, _SESSION_FIELD),
            _object({"release": {"anyOf": [_NUMBER, {"const": "all"}]}}, _SESSION_FIELD),
        ]
    },
    "Holding": _object(
        {
            "told": _list(_NUMBER),
            "holding": {"anyOf": [{"const": "all"}, _list(_NAME)]},
            "held": _COUNT,
        }
    ),
    "Arrival": _object(
        {
            "number": _NUMBER,
            "at": _INSTANT,
            "provider": _TEXT,
            "device": _MAYBE_TEXT,
            "_id": _MAYBE_TEXT,
            "_action": _MAYBE_TEXT,
            "alert": _MAYBE_TEXT,
            "session": _MAYBE_TEXT,
            "visit": _maybe(_NUMBER),
            "verdict": _TEXT,
            "result": _maybe(_object({"status": _COUNT, "name": _MAYBE_TEXT, "reason": _MAYBE_TEXT})),
            "expected": _maybe(_object({"place": _NUMBER} | _EXPECTED)),
            "differences": _list(_TEXT),
            "payload": _TEXT,
        }
    ),
    "Arrivals": _object(
        {
            "count": _COUNT,
            "unlike": _COUNT,
            "arrived": _list(_of("Arrival")),
            "missing": _list(_object({"session": _MAYBE_TEXT, "visit": _NUMBER, "place": _NUMBER} | _EXPECTED)),
        }
    ),
}


_TURN: Schema = _NUMBER | {"maximum": fault_rules.LARGEST}
_WAIT: Schema = {"type": "number", "minimum": 0, "maximum": fault_rules.LONGEST_MS}
_FAULT: dict[str, Schema] = {
    "on": _NAME | {"description": 'An operation, a channel, "comet", "push", or "any" request.'},
    "do": {"enum": [do.value for do in Do]},
}
_FAULT_MORE: dict[str, Schema] = {
    "session": {
        "anyOf": [_TEXT | {"pattern": addresses.PATTERN}, _NUMBER | {"maximum": 10**9 - 1}, {"type": "null"}],
        "description": "Whose, as gms_session has it; without it, everybody's.",
    },
    "times": {"anyOf": [_TURN, _list(_TURN) | {"minItems": 1}], "description": "Which, counted in each session."},
    "first": _TURN | {"description": "From which on."},
    "every": _TURN | {"description": "Each how manieth."},
    "count": _TURN | {"description": "At most so often in a session."},
    "chance": {"type": "number", "minimum": 0, "maximum": 1},
}
_FAULT_OWN: dict[str, Schema] = {
    "delay_ms": _WAIT,
    "jitter_ms": _WAIT,
    "status": {"type": "integer", "minimum": 400, "maximum": 599},
    "status_code": {"enum": [1, 2]},
    "exception": _TEXT,
    "message": _TEXT,
    "after_bytes": _COUNT | {"maximum": fault_rules.LARGEST},
    "advice": {"enum": ["none", "retry", "handshake"]},
}
_SLOWNESS = ("delay_ms", "jitter_ms")
_OWN_OF: dict[Do, tuple[str, ...]] = {
    Do.DELAY: _SLOWNESS,
    Do.ERROR: (*_SLOWNESS, "status", "status_code", "exception", "message"),
    Do.RESET: _SLOWNESS,
    Do.CUT: ("after_bytes",),
    Do.REFUSE: ("advice",),
    Do.REORDER: _SLOWNESS,
}
"""The fields that not every fault has."""
_EXCLUSIVE = [
    ("times", "first"),
    ("times", "every"),
    ("times", "count"),
    ("times", "chance"),
    ("status", "status_code"),
]
_ANY: Schema = {"const": "any"}
_COMET: Schema = {"enum": ["comet", *fault_rules.META[1:], "/meta/*", "/meta/**"]}
_HANDSHAKE: Schema = {"const": fault_rules.META[0]}
_OPERATION: Schema = {"pattern": f"^({'|'.join(fault_rules.OPERATIONS)})( |$)"}
_CHANNEL: Schema = {"pattern": "^/(?!meta(/|$))"}
_PUSH: Schema = {"pattern": "^push( |$)"}
_REQUESTS = [_ANY, _COMET, _HANDSHAKE, _OPERATION]
_ON_OF: dict[Do, list[Schema]] = {
    Do.DELAY: [*_REQUESTS, _CHANNEL, _PUSH],
    Do.REFUSE: [_HANDSHAKE],
    Do.FORGET: [_COMET],
    Do.ALIAS: [_ANY, _OPERATION],
    Do.DOUBLE: [_CHANNEL, _PUSH],
    Do.REORDER: [_CHANNEL],
    Do.LOSE: [_CHANNEL, _PUSH],
}
"""What befalls what; the rest, requests."""


def _fault(do: Do) -> Schema:
    """A rule for that: it may have these fields, but not all of them together."""
    on = {"type": "string", "anyOf": _ON_OF.get(do, _REQUESTS), "description": _FAULT["on"]["description"]}
    more = _FAULT_MORE | {name: _FAULT_OWN[name] for name in _OWN_OF.get(do, ())}
    together = [{"required": pair} for pair in _EXCLUSIVE if more.keys() >= {*pair}]
    schema = _object({"on": on, "do": {"const": do.value}}, more, **{"not": {"anyOf": together}})
    some = [{"required": [name], "properties": {name: {"exclusiveMinimum": 0}}} for name in _SLOWNESS]
    return schema | ({"anyOf": some} if do == Do.DELAY else {})


_STRUCK: dict[str, Schema] = {
    "number": _NUMBER,
    "struck": _COUNT,
    "sessions": {"type": "object", "additionalProperties": _NUMBER, "description": "Whom it struck, how often each."},
}
_SCHEMAS |= {
    "Fault": {"oneOf": [_fault(do) for do in Do]},
    "FaultTold": _object(_FAULT | _STRUCK, _FAULT_MORE | _FAULT_OWN),
    "Faults": _object({"faults": _list(_of("FaultTold"))}),
    "FaultsDropped": _object({"dropped": _list(_NUMBER)}),
}


def _told(what: str, schema: str) -> Schema:
    return {"description": what, "content": {"application/json": {"schema": _of(schema)}}}


_REFUSALS = {
    "400": "A field or parameter is wrong, and is named.",
    "401": "Asked from another machine, or by a page of another site, without the token.",
    "403": "The same, where there is no token.",
    "404": "There is no such session, or no such fault.",
}


def _operation(does: str, told: str, *refusals: str, **more: Any) -> Schema:
    """What a method of a path does; anybody may be refused as a stranger."""
    answers = {"200": _told("As asked.", told)}
    return {
        "summary": does,
        "responses": answers | {status: _told(_REFUSALS[status], "Error") for status in ("401", "403", *refusals)},
        **more,
    }


def _body(schema: str) -> Schema:
    return {"required": True, "content": {"application/json": {"schema": _of(schema)}}}


def _query(name: str, does: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "description": does, "schema": schema}


_SESSION_PATH: Schema = {"name": "session", "in": "path", "required": True, "schema": _NAME}
_NUMBER_PATH: Schema = {"name": "number", "in": "path", "required": True, "schema": _COUNT | {"maximum": 10**9 - 1}}
_PATHS: dict[str, dict[str, Schema]] = {
    "/clock": {
        "get": _operation("Tells the times of sessions.", "Clock"),
        "post": _operation(
            "Puts clocks forward, or lets stories jump to what they do next.",
            "Clock",
            "400",
            "404",
            requestBody=_body("ClockMove"),
        ),
    },
    "/sessions": {
        "get": _operation("Tells who plays which visit, and how far.", "Sessions"),
        "delete": _operation("Forgets all sessions: all is as at the start.", "Dropped"),
    },
    "/sessions/{session}": {
        "get": _operation("Tells of one session.", "Sessions", "404", parameters=[_SESSION_PATH]),
        "delete": _operation("Forgets one session.", "Dropped", "404", parameters=[_SESSION_PATH]),
    },
    "/misses": {
        "get": _operation("Tells the last of the requests that had no recorded answer.", "Misses"),
        "delete": _operation("Forgets the misses.", "Forgotten"),
    },
    "/pushes": {
        "get": _operation(
            "Tells the pushes that went to devices; as server-sent events to who accepts text/event-stream.",
            "Pushes",
            "400",
            parameters=[
                _query("after", "The number of the last push that is known.", _COUNT | {"maximum": _LARGEST}),
                _query("wait_ms", "How long to wait for one.", _COUNT | {"maximum": _LONGEST_WAIT_MS}),
                _query("session", "Of that session alone.", _TEXT),
            ],
        ),
        "post": _operation(
            "Holds pushes back, or releases those that are held.", "Holding", "400", requestBody=_body("PushOrder")
        ),
    },
    "/provider": {
        "get": _operation("Tells the pushes that came in for Apple or Google, and what is missing.", "Arrivals"),
        "delete": _operation("Forgets the pushes that came in.", "Forgotten"),
    },
    "/faults": {
        "get": _operation("Lists what goes wrong for apps, and whom it struck.", "Faults"),
        "post": _operation("Adds a fault.", "FaultTold", "400", requestBody=_body("Fault")),
        "delete": _operation("Takes all faults away.", "FaultsDropped"),
    },
    "/faults/{number}": {
        "get": _operation("Tells of one fault.", "Faults", "400", "404", parameters=[_NUMBER_PATH]),
        "delete": _operation("Takes one fault away.", "FaultsDropped", "400", "404", parameters=[_NUMBER_PATH]),
    },
    "/openapi.json": {
        "get": {
            "summary": "This description.",
            "responses": {
                "200": {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}},
                "401": _told(_REFUSALS["401"], "Error"),
                "403": _told(_REFUSALS["403"], "Error"),
            },
        }
    },
}


def described(prefix: str) -> bytes:
    """The description as JSON. `prefix`: the path that all others are below."""
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "gms_replay", "version": "1", "summary": "What testers ask of the player itself."},
            "servers": [{"url": prefix.rstrip("/")}],
            "paths": _PATHS,
            "components": {"schemas": _SCHEMAS},
        },
        indent=2,
    ).encode()
