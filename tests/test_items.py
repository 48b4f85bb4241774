import pytest
from factories import CALLBACK, CHAT_PATH, JOINED, ORDER, REFRESH, SERVICE, Tape, frame, visit
from texts import ORIGIN

from gms_replay.items import Pushed, compiled_headers
from gms_replay.pushes import Derived, Notification
from gms_replay.rewrite import Compiler, Recorded, Telling, Template
from gms_replay.rules import Rules
from gms_replay.story import compile_stories


def telling(template: Template) -> Telling:
    """Nothing moved."""
    return Telling({instant: instant[1] for instant in template.instants}, ORIGIN, "/genesys", "", {})


def test_hop_by_hop_headers_are_set_anew() -> None:
    compiler = Compiler(Recorded(frozenset(), "", frozenset()), Rules())
    headers = (
        ("X-A", "1"),
        ("Content-Length", "3"),
        ("Connection", "close"),
        ("Access-Control-Max-Age", "1"),
        ("x-a", ""),
    )

    assert [name for name, _ in compiled_headers(compiler, headers)] == ["x-a", "x-a"]


def test_only_chats_have_pages() -> None:
    """Not what refuses, and not what looks like a page elsewhere."""
    tape = Tape()
    told = b'{"transcriptToShow":[],"transcriptPosition":"0"}'
    for method, target, status in (
        ("POST", CALLBACK, 200),
        ("POST", CHAT_PATH, 200),
        ("POST", f"{CHAT_PATH}/startTyping", 200),
        ("POST", REFRESH, 404),
    ):
        tape.ask(1, method, target, ORDER, told, status=status)
    (story,) = compile_stories(tape.recording())

    assert [answer.page is not None for answer in story.answers] == [False, True, False, False]


def test_messages_have_pages() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    tape.open_comet(1)
    tape.poll(2, 1, frame(3, JOINED), b'{"channel":"/_genesys","data":"hello"}')
    (story,) = compile_stories(tape.recording())

    pages = [event.page for event in story.events["/_genesys"]]
    assert [page and (page.position, page.service_id) for page in pages] == [(3, SERVICE), None]


def test_answer_s_words_of_the_app_s_are_known() -> None:
    (story,) = compile_stories(visit())

    assert all(answer.body.render(telling(answer.body)) for answer in story.answers if answer.response.body.plain)
    assert all(name == name.lower() for answer in story.answers for name, _ in answer.headers)
    assert [event.body.render(telling(event.body)) for event in story.events["/_genesys"]] == [
        event.raw for event in story.events["/_genesys"]
    ]


@pytest.mark.parametrize(("provider", "names"), [("apns", ["apns-topic"]), (None, [])])
def test_push_leads_to_a_dialog(provider: str | None, names: list[str]) -> None:
    seen = (
        Notification(1, None, 0, "apns", "token", SERVICE, "connect", None, None, None, b"{}", (("Apns-Topic", "app"),))
        if provider
        else Derived(1, 0, SERVICE, "connect")
    )
    pushed = Pushed(0, 0, (), seen, b"{}", Compiler(Recorded(frozenset(), "", frozenset()), Rules()))

    assert pushed.wish == (SERVICE, "connect")
    assert pushed.device == ("token" if provider else None)
    assert [name for name, _ in pushed.headers] == names
    assert pushed.body.render(telling(pushed.body)) == b"{}"
