"""The chat page in a real browser, held to a recorded chat: offline, and waiting for nobody.

`npm ci`, then `pytest`. The page comes from another origin than the GMS, as it does in production.
"""

import json
import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

HERE = Path(__file__).parent
AGENT = "Mnfqgkjfo Fgfhwca"
# The browser finds nobody but this machine.
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
# What screen readers are told, also where it does not stay.
HEARD = """
    window.heard = [];
    const hear = new MutationObserver(changes => {
        for (const { target, addedNodes: [text] } of changes) {
            if (target.role === 'status' && text) heard.push(text.data);
        }
    });
    addEventListener('DOMContentLoaded', () => hear.observe(document.body, { childList: true, subtree: true }));
"""
WORDS = ["Is my parcel on its way?", "Its number is 8.", "That is all, bye"]

# Longer than Playwright's own five seconds, for a busy CI.
expect.set_options(timeout=30_000)

pytestmark = pytest.mark.gms_cassette("chat.sqlite", rules="rules.toml", now="2030-05-02T16:30:00Z")


class Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """Where the page is."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=HERE)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/index.html"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, else the one of `playwright install`."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[OFFLINE])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(timezone_id="UTC")
    page.add_init_script(HEARD)
    yield page
    # A poll may still be held.
    page.unroute_all(behavior="ignoreErrors")
    page.close()


@pytest.fixture
def url(site: str, gms_server) -> str:
    """The page for this test's GMS. To ask for the place in the queue costs nothing here."""
    return f"{site}?gms={gms_server.base_url}&poll_ms=0"


def start(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Last name").fill("Lane")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Phone").fill("+49 30 987654")
    page.get_by_role("button", name="Start chat").click()


def come_in(page: Page) -> Locator:
    """The customer is ready when the agent is; gives the conversation, once there has been a greeting."""
    page.get_by_role("button", name="Yes, I'm ready to talk").click()
    log = page.get_by_role("log", name="Conversation")
    log.locator(".agent").wait_for()
    return log


def say(page: Page, text: str) -> None:
    page.get_by_label("Message").fill(text)
    page.get_by_role("button", name="Send").click()


def conversation(transcript, words: list[str]) -> list[str]:
    """What of a recorded chat is to be seen, where the customer says these words instead."""
    messages = [json.loads(frame)["data"]["message"] for frame in transcript.channels["/_genesys"]]
    lines = [line for message in messages for line in message["transcriptToShow"]]
    said = iter(words)
    return [
        next(said) if party == "CLIENT" else text
        for kind, _, text, _, party in lines
        if not kind.startswith("Notice.Typing")
    ]


@pytest.mark.parametrize("transport", ["long-polling", "websocket"])
def test_whole_chat_is_shown(page, url, gms_server, transport):
    start(page, f"{url}&transport={transport}")
    log = come_in(page)
    for number, text in enumerate(WORDS, start=1):
        say(page, text)
        log.locator(".agent").nth(number).wait_for()

    expect(log.locator(".text")).to_have_text(["has joined the session", *conversation(gms_server.recorded(), WORDS)])
    expect(page.get_by_label("Message")).to_be_hidden()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert page.evaluate("heard") == [
        "We will notify you when agent is available",
        *(f"You are number {place} in the queue." for place in (3, 2, 1)),
        "Agent is available right now",
        "You are in the chat. Somebody will be with you in a moment.",
        f"You are chatting with {AGENT}.",
        *[f"{AGENT} is typing …"] * 4,
        "The chat has ended. Thank you!",
    ]
    # It was recorded in another year.
    times = log.locator("time").evaluate_all("times => times.map(time => time.dateTime)")
    assert {time[:16] for time in times} == {"2030-05-02T16:30"}


def repeated(route: Route) -> None:
    """A GMS that does not know what has arrived tells it again."""
    answer = route.fetch()
    told = answer.json()
    route.fulfill(response=answer, json=[*(one for one in told if one["channel"] == "/_genesys"), *told])


def test_lost_connection_changes_nothing(page, url, gms_server):
    start(page, url)
    log = come_in(page)
    page.route("**/cometd/connect", lambda route: route.abort())
    say(page, WORDS[0])
    page.get_by_text("The connection is lost.").wait_for()
    page.unroute("**/cometd/connect")
    page.route("**/cometd/connect", repeated)

    log.locator(".agent").nth(1).wait_for()
    shown = ["has joined the session", *conversation(gms_server.recorded(), WORDS)]
    expect(log.locator(".text")).to_have_text(shown[:5])
    expect(page.get_by_text("The connection is lost.")).to_be_hidden()


def test_failures_are_said(page, url, gms_server):
    alert = page.get_by_role("alert")
    page.route("**/check-queue-position", lambda route: route.abort(), times=1)
    start(page, url)
    expect(alert).to_have_text("We cannot be reached just now. Please try again.")
    page.get_by_role("button", name="Start chat").click()
    page.get_by_role("button", name="No, try again in 5 minutes").click()
    expect(alert).to_have_text("That did not work (404). Please try again.")
    # The recorded customer did not put the agent off.
    gms_server.forget_misses()

    expect(page.get_by_role("button", name="Yes, I'm ready to talk")).to_be_enabled()
