from pathlib import Path

from gms_replay.formats.leaks import ODDS, tell, to_json
from gms_replay.privacy import Kind
from gms_replay.scan.files import Found, Scanned

KEY = Found(Kind.CREDENTIAL, "field", "k3yF0rTheVisit", ("exchange 1, answer, field secureKey", "byte 7"))
NAME = Found(Kind.NAME, "field", "Ann", ("exchange 1, request, field first_name",))
SCANNED = (Scanned(Path("a.sqlite"), (KEY, NAME), True), Scanned(Path("b.txt"), (), False, "is damaged"))


def test_each_secret_is_told_masked_with_its_place():
    assert list(tell(SCANNED)) == [
        "a.sqlite: 2 secrets",
        "  credential: k3… (14 characters), exchange 1, answer, field secureKey (field); and 1 place more",
        "  name: A… (3 characters), exchange 1, request, field first_name (field)",
        "b.txt: is damaged",
        "2 files: 2 secrets",
        ODDS,
    ]


def test_nothing_found_is_said():
    assert list(tell([Scanned(Path("b.txt"), (), False)])) == ["1 file: no secrets", ODDS]


def test_long_lists_are_cut():
    many = tuple(Found(Kind.NAME, "field", f"Ann{number}", ("here",)) for number in range(25))
    assert "  and 5 more; --json tells all" in list(tell([Scanned(Path("a"), many, True)]))


def test_json_tells_all_and_no_secret_whole():
    told = to_json(SCANNED)
    assert told["secrets"] == 2
    assert [one["facts"] for one in told["files"]] == [True, False]
    first = told["files"][0]["secrets"][0]
    assert first["places"] == list(KEY.places)
    assert KEY.value not in str(told)
    assert told["files"][1]["remark"] == "is damaged"
