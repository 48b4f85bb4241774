import pytest

from gms_replay.cassette import reader

BAD = {
    "missing": ([], "gms_cassette is missing"),
    "twice": (["gms_cassette=a", "gms_cassette=b"], "gms_cassette takes one value"),
    "misspelt": (["gms_cassette=a", "gms_host=x"], "gms_host is no option: did you mean gms_hosts?"),
    "not a cassette": (["gms_cassette=../text"], "not a cassette"),
    "no folder": (["gms_cassette=missing/a"], "cannot be written"),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory, run):
    """Each bad use's mitmdump, started together: a start is a second of importing."""
    root = tmp_path_factory.mktemp("refused")
    (root / "text").write_text("no cassette")
    for name in BAD:
        (root / name).mkdir()
    return {name: run(root / name, *listening(settings)) for name, (settings, _) in BAD.items()}


def listening(settings: list[str]) -> list[str]:
    return ["--mode", "regular@0", *(argument for setting in settings for argument in ("--set", setting))]


@pytest.mark.parametrize("name", BAD)
def test_bad_use_is_refused(refused, name):
    mitmdump = refused[name]

    assert mitmdump.process.wait(90) == 1

    (line,) = mitmdump.err.splitlines()
    assert line.startswith("gms_record: ")
    assert BAD[name][1] in line
    assert not (mitmdump.folder / "a").exists()


def test_run_added_to_cassette(run, tmp_path):
    for _ in range(2):
        mitmdump = run(tmp_path, *listening(["gms_cassette=visit.sqlite"])).ready()
        assert mitmdump.end() == 0

    assert len(reader.read(mitmdump.cassette).runs) == 2
