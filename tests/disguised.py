"""A visit that is told of whoever is named in it, as two redactions of one recording differ."""

import json
from dataclasses import asdict, dataclass, replace

from factories import CALLBACK, CHAT_PATH, SERVICE, Tape, frame

from gms_replay.model import Recording


@dataclass(frozen=True)
class People:
    """Who is in it."""

    first: str = "Ann"
    last: str = "Lee"
    phone: str = "+4915112345678"
    email: str = "ann.lee@home.com"
    agent: str = "Kristi"
    key: str = "k3yF0rTheVisit"
    code: str = "48213"
    other: str = "bob@else.com"
    """Who is told of in a text only."""
    mate: str = "Zora"
    """Who is told of in JSON in a string only."""


STAND_INS = People(
    "Kbu",
    "Nax",
    "+4915198765432",
    "fgh.ijk@lmno.example",
    "Pwxazu",
    "z9xW8vUq7TsRqp",
    "90715",
    "qrs@tuvw.example",
    "Lopq",
)
OTHER_KEY = People(
    "Vdy",
    "Oct",
    "+4915155544433",
    "zyx.wvu@tsrq.example",
    "Qerrty",
    "a1bC2dEf3GhIjk",
    "11223",
    "mno@pqrs.example",
    "Mxyz",
)


def visit_of(who: People, redaction: str = "on", *, says: str = "Hello, I am {first} {last}.") -> Recording:
    """A callback with a chat. `says`: what the app says in it."""
    tape = Tape()
    order = {"_customer_number": who.phone, "first_name": who.first, "last_name": who.last, "email": who.email}
    order["userData"] = json.dumps({"nickname": who.mate, "lang": "en"})
    tape.ask(0, "POST", CALLBACK, order, {"_id": SERVICE, "_text": f"Thank you, {who.first}; ask {who.other}"})
    queried = f"{CALLBACK}?operand=AND&_customer_number={who.phone.replace('+', '%2B')}"
    tape.ask(1, "GET", queried, b"", json.dumps([{"_id": SERVICE, "_customer_number": who.phone}]))
    dial = {"_action": "DialNumber", "_tel_url": f"tel:{who.phone}", "_access_code": who.code}
    url = f"http://gms.example/genesys/1/service/{SERVICE}/connect?secureKey={who.key}"
    tape.ask(2, "POST", f"/genesys/1/service/{SERVICE}/connect-inbound", b"", {**dial, "_user_action_url": url})
    began = {"chatIxnState": "CONNECTED", "chatSessionId": "000FRa9NYM9A001K", "secureKey": who.key}
    tape.ask(3, "POST", CHAT_PATH, f"notify_by=comet&firstName={who.first}&_verbose=true", began)
    tape.open_comet(4)
    text = says.format(**asdict(who))
    tape.ask(6, "POST", f"{CHAT_PATH}/send", f"message={text}", {"chatIxnState": "TRANSCRIPT"})
    tape.poll(5, 1.5, frame(1, json.dumps(["Notice.Joined", who.agent, "has joined", "2", "AGENT"])))
    tape.poll(7, 1.5, frame(2, json.dumps(["Message.Text", f"{who.first} {who.last}", text, "3", "CLIENT"])))
    tape.poll(
        9, 1.5, frame(3, json.dumps(["Message.Text", who.agent, f"Hi {who.first}, I'm {who.agent}", "5", "AGENT"]))
    )
    recording = tape.recording()
    return replace(recording, runs=tuple(replace(run, redaction=redaction) for run in recording.runs))
