import json

from gms_replay.cassette.integrity import Count, Examined, Flaw
from gms_replay.cassette.states import State
from gms_replay.findings import Finding, Sort
from gms_replay.formats.checkup import tell, to_json
from gms_replay.model import Recording, Run

RUNS = (Run(1, 1_399_048_050_000_000, "reverse", "http://gms:8080", (("mitmproxy", "12.2.3"),)),)


def examined(*flaws: Flaw, state: State = State.CLOSED, has_foreign_wal: bool = False) -> Examined:
    counts = (Count("run", 1, 1), Count("push", 3, None))
    return Examined(40_960, state, has_foreign_wal, 1, flaws, counts, Recording(RUNS))


def finding(number: int | None, text: str = "never answered") -> Finding:
    return Finding(Sort.UNFINISHED, number, "send", text)


def test_sound_file_is_told() -> None:
    assert list(tell(examined(), 2, (), "visit.sqlite")) == [
        "visit.sqlite: a cassette of format 1, 40 KiB, closed: one plain file",
        "  run 1, 2014-05-02 16:27:30 UTC (reverse to http://gms:8080; mitmproxy 12.2.3; not redacted)",
        "  1 run, 2 sessions, 0 exchanges, 0 Bayeux messages, 0 pushes, 0 sockets, 0 APNs connections, 0 APNs frames",
        "damaged: nothing",
        "unfinished: nothing",
        "not understood: nothing",
        "left unclassified: nothing",
    ]


def test_damage_counts_what_reads() -> None:
    told = list(tell(examined(Flaw("holds 'soon'", "request", 3, "port")), 2, (), "visit.sqlite"))

    assert told[3:7] == [
        "damaged: 1",
        "  request.port 3: holds 'soon'",
        "  readable: 1 of 1 rows in run",
        "  readable: 3 of an unknown number of rows in push",
    ]


def test_long_list_is_cut() -> None:
    told = list(tell(examined(), 2, [finding(number) for number in range(1, 14)], "visit.sqlite"))

    assert told[4:6] == ["unfinished: 13", "  exchange 1, send: never answered"]
    assert told[14:16] == ["  exchange 10, send: never answered", "  … and 3 more"]


def test_texts_stay_on_their_line() -> None:
    told = list(tell(examined(), 2, [finding(None, "\x1b[2J\n\ud800")], "two\nlines"))

    assert told[0].startswith("two\\u000alines: ")
    assert told[5] == "  send: \\u001b[2J\\u000a\\ud800"


def test_every_state_is_told() -> None:
    heads = {next(tell(examined(state=state), 2, (), "visit.sqlite")) for state in State}

    assert len(heads) == len(State)


def test_foreign_wal_is_told() -> None:
    told = list(tell(examined(has_foreign_wal=True), 2, (), "visit.sqlite"))

    assert told[1] == "  the file that ends in -wal beside it is not its own, and was left out"


def test_machines_get_all() -> None:
    flaw = Flaw("holds 'soon'", "request", 3, "port")

    told = json.loads(json.dumps(to_json(examined(flaw), 2, [finding(number) for number in range(99)], "visit.sqlite")))

    assert told["damaged"] == [{"text": "holds 'soon'", "table": "request", "id": 3, "column": "port"}]
    assert told["unfinished"][98] == {"exchange_id": 98, "operation": "send", "text": "never answered"}
    assert (told["not_understood"], told["left_unclassified"]) == ([], [])
    assert (told["file"], told["format"], told["state"]) == ("visit.sqlite", 1, "closed")
    assert told["tables"] == [
        {"table": "run", "readable": 1, "rows": 1},
        {"table": "push", "readable": 3, "rows": None},
    ]
    assert told["runs"][0]["started_at_us"] == 1_399_048_050_000_000
