from factories import CALLBACK, CHAT_PATH, JOINED, ORDER, REFRESH, SERVICE, Tape, frame

from gms_replay.items import compiled_headers
from gms_replay.rewrite import Compiler, Recorded
from gms_replay.rules import Rules
from gms_replay.story import compile_stories


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
