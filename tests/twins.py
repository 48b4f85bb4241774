"""Whether each flat module's own twin test file, alone, leads through all of it, each branch included: `make coverage`.

`python tests/twins.py [MODULE…]` prints what a twin leaves out, as lines and branches (`from->to`), and exits with 1.
Each twin runs in a process of its own, so that nothing is covered, or kept in a cache, by another's tests.
"""

import argparse
import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gms_replay"
WIRING = {"__init__", "pytest_plugin"}
"""What only wires is proved by processes; it counts with the whole."""
FLAT = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem not in WIRING)


def left_out(module: str) -> str:
    """What the twin of a flat module leaves out of it, or what pytest says where a test fails; empty for nothing.

    For modules of names and values, of which `test_architecture` wants no twin, to be imported is all that there is.
    """
    path, twin = PACKAGE / f"{module}.py", ROOT / "tests" / f"test_{module}.py"
    measured = coverage.Coverage(data_file=None, config_file=False, branch=True, include=[str(path)])
    said, table = io.StringIO(), io.StringIO()
    with measured.collect(), redirect_stdout(said):
        if not twin.exists():
            __import__(f"gms_replay.{module}")
        elif pytest.main(["-q", "-x", "-p", "no:cacheprovider", str(twin)]):
            return said.getvalue()
    if measured.report(file=table, show_missing=True) == 100:
        return ""
    row = next(line for line in table.getvalue().splitlines() if path.name in line)
    return row.partition("%")[2].strip()


def _apart(module: str) -> str:
    command = [sys.executable, __file__, "--here", module]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
    return subprocess.run(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment, check=True
    ).stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", choices=[*FLAT, []], help="all, if none is named")
    parser.add_argument("--here", action="store_true", help="in this process")
    options = parser.parse_args()
    if options.here:
        print(left_out(options.modules[0]))
        return 0
    modules = options.modules or FLAT
    uncovered = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for module, missing in zip(modules, pool.map(_apart, modules), strict=True):
            if missing:
                uncovered += 1
                print(f"gms_replay/{module}.py: {missing}", flush=True)
    print(
        f"{len(modules) - uncovered} of {len(modules)} flat modules are covered by their own twins, branches included"
    )
    return bool(uncovered)


if __name__ == "__main__":
    sys.exit(main())
