"""Looks for inputs that break the invariants of the targets beside this file, led by coverage: `make fuzz`.

`python fuzz [-max_total_time=60] [-seed=1] [TARGET [FILE…]]`: options are libFuzzer's; without a target each gets its
turn, in a process of its own, and at the end what broke is told once more, with its input. With FILEs it tries those
again. What `corpus/TARGET` holds is tried beside the target's own seeds.
"""

import base64
import importlib
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

HERE = Path(__file__).parent
TARGETS = sorted(path.stem for path in HERE.glob("*.py") if path.stem != "__main__")
ASKED_BY_SCHEMATHESIS = "control_api"
LARGEST_INPUT_BYTES = 64 << 10


def fuzz(name: str, arguments: list[str]) -> None:
    """Tries inputs on a target until one breaks it, or as long as libFuzzer is told to."""
    import atheris

    with atheris.instrument_imports(include=["gms_replay"]):
        target = importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(target.seeds()):
            Path(folder, str(number)).write_bytes(seed)
        corpus = [folder, *map(str, HERE.glob(f"corpus/{name}"))]
        tries_files = any(not argument.startswith("-") for argument in arguments)
        limits = [f"-max_len={LARGEST_INPUT_BYTES}", f"-artifact_prefix={HERE}/crash-{name}-"]
        atheris.Setup([sys.argv[0], *limits, *arguments, *([] if tries_files else corpus)], target.one_input)
        atheris.Fuzz()


def fuzz_all(options: list[str]) -> int:
    """Gives each target its turn. Who only sees the end of the output can try again what broke."""
    began_s = time.time()
    broken = [one for one in TARGETS if subprocess.run([sys.executable, HERE, *options, one], check=False).returncode]
    for one in broken:
        for path in (path for path in sorted(HERE.glob(f"crash-{one}-*")) if path.stat().st_mtime >= began_s):
            print(f"{path.name}, deflated: {base64.b64encode(zlib.compress(path.read_bytes())).decode()}", flush=True)
            subprocess.run([sys.executable, HERE, one, path], check=False)
    print(f"{len(TARGETS)} targets; broken: {', '.join(broken) or 'none'}")
    return bool(broken)


def main() -> int:
    options = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    name, *files = [argument for argument in sys.argv[1:] if not argument.startswith("-")] or [""]
    if not name:
        return fuzz_all(options)
    if name not in TARGETS:
        print(f"{name}: no target; there are {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    if name == ASKED_BY_SCHEMATHESIS:
        asked = {option[1:].partition("=")[0]: option.partition("=")[2] for option in options}
        return importlib.import_module(name).explore(int(asked.get("max_total_time", 20)), int(asked.get("seed", 0)))
    fuzz(name, [*options, *files])
    return 0


if __name__ == "__main__":
    sys.exit(main())
