"""Looks for inputs that break the invariant of `target`, led by coverage: `make fuzz`.

Options are libFuzzer's: `python fuzz -max_total_time=600`; `python fuzz FILE` tries a file again.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["gms_replay"]):
    import target


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(target.seeds()):
            Path(folder, str(number)).write_bytes(seed)
        tries_files = any(not argument.startswith("-") for argument in sys.argv[1:])
        atheris.Setup([*sys.argv, *([] if tries_files else [folder])], target.one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
