import asyncio
import json
from pathlib import Path

import click
import pytest

from gms_replay.cli.trying import simulate
from gms_replay.simulator import dialogs
from gms_replay.simulator.chance import Chance
from gms_replay.simulator.chat import Kind
from gms_replay.simulator.reception import Reception
from gms_replay.simulator.tasks import Tasks
from gms_replay.simulator.versions import CHANGED, CURRENT, VERSIONS

DIALOGS = (
    dialogs.MENU_WITH_CODE,
    dialogs.MENU_WITHOUT_CODE,
    dialogs.START_CHAT,
    dialogs.CONNECT_INBOUND,
    dialogs.CONNECT_OUTBOUND,
    dialogs.WAIT_FOR_AGENT,
)
MENUS, CONFIRMATIONS = DIALOGS[:2], DIALOGS[4:]
SECOND_US = 1_000_000


@pytest.fixture
def changed(app_of):
    return app_of(version=CHANGED)


def items(menu):
    return menu["_content"][0]["_group_content"]


def test_names_are_the_command_lines():
    (choice,) = (option.type for option in simulate.params if option.name == "gms_version")
    assert isinstance(choice, click.Choice)
    assert list(choice.choices) == list(VERSIONS)


@pytest.mark.parametrize("dialog", DIALOGS)
def test_current_version_words_nothing_anew(dialog):
    assert CURRENT.worded(dialog) == dialog


@pytest.mark.parametrize("dialog", DIALOGS)
def test_changed_dialogs_differ_as_told(dialog):
    was, now = json.loads(dialog), json.loads(CHANGED.worded(dialog))
    if dialog in CONFIRMATIONS:
        was["_ok_label"] = was.pop("_ok_title")
    if dialog in MENUS:
        assert items(now).pop()["_user_action_url"].endswith("/office-hours")
    assert now == was


def test_old_paths_lead_to_the_same(changed):
    service_id = changed.start(_wait_for_agent="true")
    menu = changed.take(service_id, "get-dialog-user-confirmation-provide_code-true").json()
    assert [item["_dialog_id"] for item in items(menu)] == ["1", "2", "3", "4"]
    more, connect = items(menu)[3], items(menu)[0]
    told = changed.http.request(more["_method"], more["_user_action_url"]).json()
    assert told == {
        "_dialog_id": "0",
        "_action": "ConfirmationDialog",
        "_text": "We are there every day from 08:00 to 18:00 UTC",
        "_ok_label": "Ok",
        "_id": service_id,
    }
    assert changed.record(service_id)["_callback_state"] != "COMPLETED"
    assert changed.http.request(connect["_method"], connect["_user_action_url"]).json()["_action"] == "DialNumber"


def test_current_version_has_no_office_hours(app):
    assert app.take(app.start(), "office-hours").status_code == 404


def test_dropped_notice_stays_in_the_transcript(changed, until_disconnected):
    changed.open_comet()
    service_id = changed.start_chat()
    changed.chat(service_id, "send", message="bye")
    frames = [frame["data"]["message"] for frame in changed.chat_frames(until_disconnected)]
    heard = [(line[0], message["transcriptPosition"]) for message in frames for line in message["transcriptToShow"]]
    told = changed.chat(service_id, "refresh", transcriptPosition="0")["transcriptToShow"]
    positions = [(line[0], str(position)) for position, line in enumerate(told, start=1)]
    assert ("Notice.TypingStopped", "5") in positions
    assert heard == [one for one in positions[1:] if one[0] != "Notice.TypingStopped"]


def test_agents_take_four_times_as_long():
    async def visit(version):
        """Which lines a listener is told of a chat, and how long it took, in microseconds."""
        loop = asyncio.get_running_loop()
        tasks = Tasks()
        reception = Reception(Chance(7, quick=True), tasks, lambda: round(loop.time() * SECOND_US), version)
        chat, _ = reception.open("Stan")
        told, over = [], asyncio.Event()

        def tell(after):
            told.extend(line.kind for line in chat.lines[after:])
            if chat.ended:
                over.set()

        chat.listen(tell)
        chat.client_writes("bye")
        await over.wait()
        await tasks.close()
        return told, chat.lines[-1].at_us - chat.lines[0].at_us

    class Loop(asyncio.SelectorEventLoop):
        """A loop whose time is what it is asked to wait for."""

        def __init__(self):
            super().__init__()
            self._ahead_s = 0.0

        def time(self):
            return self._ahead_s

        def call_later(self, delay, callback, *args, context=None):
            self._ahead_s += delay
            return self.call_soon(callback, *args, context=context)

    def seen(version):
        with asyncio.Runner(loop_factory=Loop) as runner:
            return runner.run(visit(version))

    (told, took_us), (told_now, took_now_us) = seen(CURRENT), seen(CHANGED)
    assert told_now == [kind for kind in told if kind is not Kind.TYPING_STOPPED] != told
    assert took_now_us == pytest.approx(4 * took_us, abs=20)


def test_readme_tells_the_changes():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    told = readme.partition("--gms-version changed")[2].partition("\n### ")[0]
    ((old, new),) = CHANGED.renamed.items()
    for word in (old, new, *CHANGED.more_steps, "TypingStopped", "four times"):
        assert word in told
