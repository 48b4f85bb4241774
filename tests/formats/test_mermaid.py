import re
from dataclasses import replace

import chats2
import factories
from factories import CALLBACK, CHAT_PATH, QUEUE, SERVICE, Tape

from gms_replay.formats.mermaid import tell
from gms_replay.model import Recording

# Mermaid's own parser reads them in tests/peers/test_mermaid.py.
TEXT = r"([^;#\n]|#\d+;)+"
LINE = re.compile(
    rf"    (participant \w+|end|(    )?\w+(->>|-->>|-\)|--x)\w+: {TEXT}|(loop|Note over app,GMS:) {TEXT})"
)


def diagrams(recording: Recording) -> list[list[str]]:
    text = "\n".join(tell(recording, "visit.sqlite")) + "\n"
    found = re.findall(r"^```mermaid\nsequenceDiagram\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert text.count("```") == 2 * len(found)
    return [diagram.splitlines() for diagram in found]


def arrows(tape: Tape) -> list[str]:
    (diagram,) = diagrams(tape.recording())
    return [line.strip() for line in diagram if "participant" not in line]


def started() -> Tape:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, factories.ORDER, {"_id": SERVICE})
    return tape


def test_visit_is_one_diagram() -> None:
    (diagram,) = diagrams(factories.visit())

    assert diagram[:3] == ["    participant app", "    participant GMS", "    participant device"]
    assert all(map(LINE.fullmatch, diagram)), [line for line in diagram if not LINE.fullmatch(line)]
    assert "    GMS-)app: +18.000 s Kristi (AGENT) joins" in diagram
    assert "    app->>GMS: +23.000 s send “Hello.”" in diagram
    assert "    Note over app,GMS: Comet by long-polling#58; 7 polls" in diagram


def test_head_names_file_and_session() -> None:
    head = list(tell(factories.visit(), "a_b#c.sqlite"))[:3]

    session = f"## session 1, 2014-05-02 16:27:30 UTC: user {factories.USER}, service {SERVICE}"
    assert head == ["# a\\_b\\#c.sqlite", "", session]


def test_polls_are_folded() -> None:
    tape = started()
    for at_s, place in ((1, 3), (2, 3), (3, 1)):
        tape.ask(at_s, "GET", QUEUE, b"", factories.position(place))
    tape.ask(4, "POST", f"{CHAT_PATH}/send", "message=Hello.")
    tape.ask(5, "GET", QUEUE, b"", factories.position(0))

    assert arrows(tape)[2:] == [
        "loop 3 times, until +3.000 s",
        "app->>GMS: +1.000 s queue position",
        "GMS-->>app: 200, _position 3, then 200, _position 1",
        "end",
        "app->>GMS: +4.000 s send “Hello.”",
        "GMS-->>app: +4.100 s 200",
        "app->>GMS: +5.000 s queue position",
        "GMS-->>app: 200, _position 0",
    ]


def test_lost_answers_are_crossed_out() -> None:
    tape = started()
    tape.ask_in_vain(1, "GET", QUEUE, error="peer went away")
    tape.ask_in_vain(3, "GET", QUEUE)

    assert [line for line in arrows(tape) if "--x" in line] == [
        "GMS--xapp: +2.000 s no answer — never answered#58; peer went away",
        "GMS--xapp: +3.000 s no answer — never answered#58; under way when the<br/>recording stopped",
    ]


def test_refusals_say_why() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, factories.ORDER, {"message": "Office closed; sorry"}, status=400)

    assert arrows(tape)[1] == "GMS-->>app: +0.100 s refused with 400, Office closed#59; sorry"


def test_pushes_go_to_whom_they_are_told() -> None:
    tape = started()
    tape.user = None
    tape.push(5, "get-dialog-start-chat")
    tape.push(6, "get-dialog-start-chat", provider="fcm", payload={"message": {"data": {"_id": SERVICE}}})
    (diagram,) = diagrams(tape.recording())

    assert diagram[2:4] == ["    participant Apple", "    participant Google"]
    assert [line.partition(":")[0].strip() for line in diagram[-2:]] == ["GMS-)Apple", "GMS-)Google"]


def test_lines_of_version_2_are_told_once() -> None:
    tape = Tape()
    chats2.record_chat(tape, 0, client="first")
    (diagram,) = diagrams(tape.recording())

    said = [line for line in diagram if "says" in line and "GMS-)app" in line]
    assert len(said) == len({line.partition(" s ")[2] for line in said}) > 0


def test_each_session_has_its_own() -> None:
    tape = started()
    tape.user = "ben"
    tape.ask(5, "POST", CALLBACK, factories.ORDER, {"_id": "7WUM7W75075NP3P7V4S9S0X8SG444Y17"})

    assert len(diagrams(tape.recording())) == 2
    assert list(tell(replace(tape.recording(), exchanges=()), "a"))[-1] == "No session was recorded."


def test_long_texts_are_cut() -> None:
    tape = started()
    tape.ask(1, "POST", f"{CHAT_PATH}/send", {"message": "word " * 200})

    assert arrows(tape)[2].endswith("…")
    assert len(arrows(tape)[2]) < 500
