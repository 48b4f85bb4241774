"""Archives that a real browser's session was saved in become cassettes: of the same chat over both transports."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from gms_replay import grading
from gms_replay.formats import incoming
from gms_replay.grades import Grade
from gms_replay.leniency import Leniency
from gms_replay.model import Recording

SAVING = """
import pytest
import test_chat_page as example
from test_chat_page import browser, site

pytestmark = example.pytestmark

@pytest.mark.parametrize("transport", ["long-polling", "websocket"])
def test_saved(browser, site, gms_server, transport):
    context = browser.new_context(record_har_path=f"{transport}.har")
    page = context.new_page()
    example.start(page, f"{site}?gms={gms_server.base_url}&poll_ms=0&transport={transport}")
    log = example.come_in(page)
    for text in example.WORDS:
        with page.expect_response("**/send") as sent:
            example.say(page, text)
        sent.value.finished()
    log.get_by_text("has left").wait_for()
    # What still comes when the browser ends is not saved.
    page.wait_for_load_state("networkidle")
    context.close()
"""


def test_saved_chats_are_equal(tmp_path: Path, browser_example: Path, program: Callable[..., str]) -> None:
    program("chromium", "chromium-browser")
    app = shutil.copytree(browser_example, tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    (app / "test_saving.py").write_text(SAVING)
    command = [sys.executable, "-m", "pytest", "--rootdir", str(app), "test_saving.py"]
    done = subprocess.run(command, cwd=app, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr

    polled, over_socket = (loaded(app / f"{transport}.har") for transport in ("long-polling", "websocket"))

    assert len(over_socket.sockets) == 1
    # On a busy machine any of them may be late.
    compared = grading.compare(polled, over_socket, Leniency(slower_floor_us=60_000_000))
    assert compared.worst is Grade.EQUAL, compared.differences
    assert compared.compared["lines"] > 10


def loaded(archive: Path) -> Recording:
    found = incoming.load(archive.read_bytes(), archive.name, None, "1")
    # The page itself, and what it is made of.
    assert found.left_out
    assert not found.without_body
    return found.recording
