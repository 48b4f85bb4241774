from pathlib import Path

import factories
import pytest

from gms_replay.cassette.copy import write
from gms_replay.errors import OptionError
from gms_replay.testing import marker
from gms_replay.testing.stand import RecordMode, RecordOptions, standing


@pytest.mark.parametrize(
    ("mode", "name", "records"),
    [
        (RecordMode.NONE, "visit.sqlite", False),
        (RecordMode.ONCE, "visit.sqlite", False),
        (RecordMode.ONCE, "new.sqlite", True),
        (RecordMode.NEW_EPISODES, "visit.sqlite", True),
        (RecordMode.NEW_EPISODES, "new.sqlite", True),
        (RecordMode.ALL, "visit.sqlite", True),
    ],
)
def test_one_of_several_processes_does_not_record(tmp_path: Path, mode: RecordMode, name: str, records: bool) -> None:
    write(tmp_path / "visit.sqlite", factories.visit())
    how = RecordOptions(
        mode,
        "http://127.0.0.1:9",
        insecure=False,
        keeps_failed=False,
        redact="on",
        redact_key=None,
        begun=set(),
        is_worker=True,
    )

    def stand() -> bool:
        with standing(marker.read([name], {}, tmp_path), how, lambda: True):
            return True

    if records:
        with pytest.raises(OptionError, match=f"{name}: --gms-record={mode} would record it"):
            stand()
    else:
        assert stand()
