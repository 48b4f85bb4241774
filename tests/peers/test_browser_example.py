"""The example for browsers, as its users have it: a folder of their own, and pytest."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def test_chat_page_in_chromium(tmp_path: Path, browser_example: Path, program: Callable[..., str]) -> None:
    program("chromium", "chromium-browser")
    app = shutil.copytree(browser_example, tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pytest", "--rootdir", str(app), "-Werror", "--strict-markers"]
    done = subprocess.run(command, cwd=app, capture_output=True, text=True, check=False)

    assert "4 passed" in done.stdout, done.stdout + done.stderr
