import runpy
from dataclasses import replace
from pathlib import Path

import factories
from factories import CALLBACK, QUEUE, SERVICE, Tape
from hypothesis import given, settings

from gms_replay.formats import jsonl
from gms_replay.formats.review import tell
from gms_replay.model import Recording

recordings = runpy.run_path(str(Path(__file__).parents[1] / "cassette" / "recordings.py"))["recordings"]
OTHER = "7WUM7W75075NP3P7V4S9S0X8SG444Y17"


def recorded_anew(recording: Recording) -> Recording:
    """The same visit of another day, at another server: other identities, instants and address."""
    text = "\n".join(jsonl.dump(recording))
    for old, new in (
        (SERVICE, OTHER),
        (factories.CHAT, "000GXb0ZON0B112L"),
        (factories.CLIENT, "9x2kz6bu5k1ewpj0h6dv1yyyy"),
        ("2014-05-02T16:", "2019-11-22T08:"),
        ("b2e607a0d21611e3", "c3f607a0d21611e4"),
        ("gms.example", "other.example"),
    ):
        text = text.replace(old, new)
    return jsonl.load(text.split("\n"), "visit.jsonl")


def told(recording: Recording) -> list[str]:
    return list(tell(recording))


def test_visit_recorded_anew_reads_alike() -> None:
    visit = factories.visit()
    again = recorded_anew(visit)

    assert again != visit
    assert told(again) == told(visit)
    assert not any(word in "\n".join(told(visit)) for word in (SERVICE, factories.CHAT, "2014", "gms.example:8080"))


def test_what_gms_says_otherwise_stands_out() -> None:
    visit = factories.visit()
    text = "\n".join(jsonl.dump(recorded_anew(visit))).replace("How may I help?", "What is it?")
    again = jsonl.load(text.split("\n"), "visit.jsonl")

    pairs = [(one, other) for one, other in zip(told(visit), told(again), strict=True) if one != other]

    line = "    message.transcriptToShow.0.2: "
    assert pairs == [(f"{line}How may I help?", f"{line}What is it?")]


def test_polls_are_told_once() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, factories.ORDER, {"_id": SERVICE})
    for at_s, place in ((1, 2), (2, 2), (3, 1)):
        tape.ask(at_s, "GET", QUEUE, b"", factories.position(place))

    assert told(tape.recording()) == [
        f"session 1, user {factories.USER}",
        "  app asks: start callback sales",
        "    _customer_number: 5551234",
        "    _media_type: chat",
        "  GMS answers 200",
        "    _id: <id 1>",
        "  app asks: queue position",
        "  GMS answers 200",
        "    _position: 2",
        "    _eta: 60",
        "    _total_waiting: 9",
        "  app asks: queue position",
        "  GMS answers 200",
        "    _position: 1",
        "    _eta: 30",
        "    _total_waiting: 9",
    ]


def test_slots_are_one_line() -> None:
    tape = Tape()
    tape.ask(0, "GET", factories.AVAILABILITY, b"", factories.slots("2014-05-02T16:30:00.000Z", "2014-05-02T16:45:00Z"))

    assert told(tape.recording())[1:] == ["  app asks: availability sales", "  GMS answers 200", "    <instant>: 5"]


def test_lost_answers_and_strangers_are_told() -> None:
    tape = Tape()
    tape.ask_in_vain(0, "POST", CALLBACK, factories.ORDER, error="peer went away")
    tape.ask(1, "GET", "/robots\x1b.txt")
    tape.ask(2, "GET", "/robots\x1b.txt")

    lines = told(tape.recording())

    assert "  GMS answers nothing — never answered: peer went away" in lines
    assert lines[-2:] == ["besides", "  GET /robots\\u001b.txt"]
    assert told(replace(tape.recording(), exchanges=())) == []


@given(recordings())
@settings(max_examples=50, deadline=None)
def test_any_recording_is_lines(recording: Recording) -> None:
    for line in told(recording):
        assert line.encode()
        assert line.splitlines() == [line]
