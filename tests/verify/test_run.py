"""Recorded apps, played at a simulated GMS through a real recorder."""

import asyncio
import json
import socket
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import chats2
import factories
import pytest
from factories import Tape
from push_providers import certificate
from simulating import simulated

from gms_replay import bayeux, grading, marks, sessions, visits
from gms_replay.base_url import BaseUrl
from gms_replay.cassette.reader import read
from gms_replay.errors import OptionError
from gms_replay.gms import Kind
from gms_replay.grades import Grade
from gms_replay.grading import Comparison
from gms_replay.leniency import Leniency
from gms_replay.model import Direction, Recording, Redaction, Transport, header
from gms_replay.redact import wishes
from gms_replay.rules import Rules
from gms_replay.simulator.settings import Settings
from gms_replay.simulator.versions import CHANGED
from gms_replay.verify.driver import Played
from gms_replay.verify.progress import Happening, Sort
from gms_replay.verify.run import Plan, play, with_unreached

SAMPLE = Path(__file__).parents[2] / "cassettes" / "chat-wait.sqlite"
SEED = 7  # of that sample's people: cassettes/record.py numbers them
SHOWN = {"userId": chats2.USER_ID, "secureKey": chats2.KEY, "alias": "117"}
JUERGEN = "Jürgen".encode().decode("latin-1")
REFRESH = f"{chats2.ONE_CHAT}/refresh?by=J%FCrgen+b&to=a%2Fb"
ODD_HEADERS = (("x-by", "J\xfcrgen"), ("x-one", "1"), ("x-one", "2"))
SETTINGS = Settings(quick=True, seed=SEED, services=frozenset({"customer-service", "support"}))


def chat_by_rest() -> Recording:
    tape = Tape()
    tape.ask(0, "POST", chats2.REST, {"nickname": "Stan"}, chats2.told((1, "Stan joins")))
    tape.ask(2, "POST", f"{chats2.ONE_CHAT}/refresh", SHOWN | {"transcriptPosition": "2"}, chats2.told((2, "Hi")))
    tape.ask(3, "POST", f"{chats2.ONE_CHAT}/send", SHOWN | {"message": "Hello."}, chats2.told((3, "Hello.")))
    tape.ask(5, "POST", f"{chats2.ONE_CHAT}/disconnect", SHOWN, chats2.told(chatEnded=True))
    return tape.recording()


CHANGED_ALWAYS = {
    (Grade.MISSING_FIELD, "start callback customer-service: _ok_title"),
    (Grade.NEW_FIELD, "start callback customer-service: _ok_label"),
    (Grade.EXTRA, "dialog get-dialog-user-confirmation-provide_code-false: _content.*._group_content.*"),
    (Grade.MISSING, "chat AGENT Notice.TypingStopped:"),
}
"""What a changed GMS tells this sample's app otherwise, as the README lists it, but for the slower agent."""


def changes(found: Comparison) -> set[tuple[Grade, str]]:
    return {(one.grade, one.rule) for one in found.differences}


def unseen(visit: int, happened: Happening) -> None:
    """Looks at nothing that happens."""


def waiting_in_a_queue() -> Recording:
    tape = Tape()
    said = {"_customer_number": "+14155550123", "_media_type": "voice", "_wait_for_agent": "true"}
    tape.ask(0, "POST", factories.CALLBACK, said, {"_id": factories.SERVICE})
    tape.ask(1, "GET", factories.QUEUE, answer={"_position": "0"})
    return tape.recording()


def ways_of(settings: Settings, record: Path, *recordings: Recording) -> tuple[Played, ...]:
    with simulated(settings) as url:
        some = [visit for recording in recordings for visit in visits.split(recording)]
        return play(Plan(some, BaseUrl.parse(url, "--against"), record, 50, 3, Rules()), unseen)


def played(settings: Settings, record: Path, *recordings: Recording) -> tuple[str, ...]:
    """What went otherwise than recorded."""
    return tuple(trouble for way in ways_of(settings, record, *recordings) for trouble in way.troubles)


def graded(record: Path) -> dict[Grade, int]:
    leniency = Leniency(compares_requests=False)
    return grading.compare(read(SAMPLE), read(record), leniency).counts


def test_a_gms_like_the_recorded_one_differs_in_nothing(tmp_path):
    assert played(SETTINGS, tmp_path / "run.sqlite", read(SAMPLE)) == ()
    assert graded(tmp_path / "run.sqlite") == {}


def test_what_is_drawn_for_each_visit_is_no_difference_where_it_was_redacted(tmp_path):
    record, drawn = tmp_path / "run.sqlite", read(SAMPLE.with_name("voice-now-userorig.sqlite"))
    assert played(SETTINGS, record, drawn) == ()
    usual = Leniency(compares_requests=False)
    assert grading.compare(drawn, read(record), usual).differences == ()
    plain = [
        replace(one, runs=tuple(replace(run, redaction=Redaction.OFF) for run in one.runs))
        for one in (drawn, read(record))
    ]
    found = grading.compare(*plain, usual).differences
    assert [(one.grade, one.path) for one in found] == [
        (Grade.OTHER_VALUE, "_tel_url"),
        (Grade.OTHER_VALUE, "_access_code"),
    ]


def test_of_a_changed_gms_the_changes_are_found(tmp_path):
    changed = Settings(quick=True, seed=SEED, services=SETTINGS.services, version=CHANGED)
    troubles = played(changed, tmp_path / "run.sqlite", read(SAMPLE))
    assert troubles == ("told 0 times, recorded 4 times: /_genesys TRANSCRIPT Notice.TypingStopped AGENT",)
    usual = Leniency(compares_requests=False)
    assert changes(grading.compare(read(SAMPLE), read(tmp_path / "run.sqlite"), usual)) == CHANGED_ALWAYS


def test_own_headers_are_said_by_rest_and_over_comet(tmp_path):
    record, visit = tmp_path / "run.sqlite", visits.split(read(SAMPLE))
    with simulated(SETTINGS) as url:
        own = (("x-tenant", "blue"), ("gms_user", "bob"))
        play(Plan(visit, BaseUrl.parse(url, "--against"), record, 50, 3, Rules(), headers=own), unseen)
    asked = [one.request for one in read(record).exchanges]
    (tenant,) = {header(request.headers, "x-tenant") for request in asked}
    assert tenant is not None
    users = [[value for name, value in request.headers if name.lower() == "gms_user"] for request in asked]
    assert {len(values) for values in users} == {1}
    assert any("/cometd" in request.target for request in asked)


@pytest.mark.parametrize("name", ["x-tenant", "sec-tenant"])
def test_own_headers_are_recorded_without_their_values(name, tmp_path):
    record, visit = tmp_path / "run.sqlite", visits.split(waiting_in_a_queue())
    rules = tmp_path / "rules.toml"
    rules.write_text(f'[redact]\nkeep = ["{name}"]\n', "utf-8")
    with simulated(SETTINGS) as url:
        target, own = BaseUrl.parse(url, "--against"), ((name, "Sesame-Opens"),)
        redact = wishes.options(rules=rules)
        play(Plan(visit, target, record, 50, 0.5, Rules(), headers=own, redact=redact), unseen)
    assert all(header(one.request.headers, name) for one in read(record).exchanges)
    assert "sesame" not in repr(read(record)).lower()


@pytest.mark.parametrize(("own", "is_refused"), [((), True), ((("apikey", "sesame"),), False)])
def test_a_stand_in_is_named_where_credentials_are_wanted(own, is_refused, tmp_path):
    tape = Tape()
    stand_in = marks.marked("Zk83hQx0Ypl2Wv7T")
    said = {"_customer_number": "+14155550123", "_media_type": "voice"}
    tape.ask(0, "POST", factories.CALLBACK, said, {"_id": factories.SERVICE}, sent=(("apikey", stand_in),))
    visit = visits.split(tape.recording())
    with simulated(SETTINGS, before=wanting_a_key) as url:
        plan = Plan(visit, BaseUrl.parse(url, "--against"), tmp_path / "run.sqlite", 50, 3, Rules(), headers=own)
        (way,) = play(plan, unseen)
    hint = "apikey is a stand-in, for the cassette is redacted; give the live one by --header 'apikey: …'"
    assert [one for one in way.troubles if one.endswith(hint)] == [f"start callback sales: 401: {hint}"] * is_refused


def test_slower_agent_is_found(tmp_path):
    # Against the sample's own agent, who takes as long as people do, a quick one is never slower.
    played(SETTINGS, tmp_path / "usual.sqlite", read(SAMPLE))
    changed = Settings(quick=True, seed=SEED, services=SETTINGS.services, version=CHANGED)
    played(changed, tmp_path / "slow.sqlite", read(SAMPLE))
    leniency = Leniency(slower_factor=2.5, slower_floor_us=20_000, compares_requests=False)
    found = changes(grading.compare(read(tmp_path / "usual.sqlite"), read(tmp_path / "slow.sqlite"), leniency))
    # On a busy machine an answer may be slower, too.
    assert (Grade.SLOWER, "chat lines: time taken") in found
    assert {one for one in found if one[0] is not Grade.SLOWER} == CHANGED_ALWAYS


def test_chats_of_version_2_show_what_they_are_told(tmp_path):
    record = tmp_path / "run.sqlite"
    played(SETTINGS, record, chat_by_rest(), chats2.recorded_chat().recording())
    # Side by side, whichever began first.
    by_rest, over_comet = sorted(sessions.split(read(record)), key=lambda session: any(one.heard for one in session))
    answers = [one.exchange.response.body.plain for one in by_rest]
    assert [one.operation.kind for one in by_rest][-1] is Kind.DISCONNECT_CHAT
    assert all(b'"statusCode":0' in body.replace(b" ", b"") for body in answers)
    ends = [heard.parsed.fields["data"] for one in over_comet for heard in one.heard if heard.parsed.is_event]
    assert any(isinstance(data, dict) and data.get("chatEnded") is True for data in ends)


def test_a_queue_that_is_not_passed_in_time_is_missing(tmp_path):
    record, recorded = tmp_path / "run.sqlite", waiting_in_a_queue()
    people = Settings(seed=SEED)
    with simulated(people) as url:
        ways = play(Plan(visits.split(recorded), BaseUrl.parse(url, "--against"), record, 50, 2, Rules()), unseen)
    usual = Leniency(compares_requests=False)
    told = grading.compare(recorded, read(record), usual)
    assert Grade.MISSING not in told.counts
    worst = with_unreached(told, ways, usual).differences[0]
    assert (worst.grade, worst.place, worst.expected) == (Grade.MISSING, "queue position", "_position 0")
    assert Grade.MISSING not in with_unreached(told, ways, Leniency(volatile=(worst.rule,))).counts


def demanding_cookies(app):
    """A GMS behind a balancer: whoever began at a node has to say so, and what a handshake set, too."""

    async def serve(scope, receive, send):
        headers = dict(scope["headers"])
        said = {one.strip() for one in headers.get(b"cookie", b"").decode().split(";")}
        path, is_socket = scope["path"], scope["type"] == "websocket"
        comet, rest = path.endswith(("/cometd", "/cometd/handshake")), path.endswith("/refresh")
        if (comet and not {"node=a1", "lang=en"} <= said) or (rest and not {"node=a1", "BROWSER=b2"} <= said):
            kind = "websocket.http.response" if is_socket else "http.response"
            await send({"type": f"{kind}.start", "status": 403, "headers": []})
            await send({"type": f"{kind}.body", "body": f"no: {said}".encode()})
            return
        given = "BROWSER=b2; Path=/" if comet else "node=a1; Path=/genesys"

        async def setting(message):
            if message["type"].endswith(".start") or message["type"] == "websocket.accept":
                message = message | {"headers": [*message.get("headers", ()), (b"set-cookie", given.encode())]}
            await send(message)

        await app(scope, receive, setting)

    return serve


def wanting_a_key(app):
    """A GMS that answers only who has its key."""

    async def serve(scope, receive, send):
        if scope["type"] == "http" and (b"apikey", b"sesame") not in scope["headers"]:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})
        else:
            await app(scope, receive, send)

    return serve


def chat_with_cookies() -> Recording:
    """A chat by REST, in which the app comes back with the cookies of a recorded GMS, and listens in between."""
    tape = Tape(user=JUERGEN)
    tape.ask(0, "POST", chats2.REST, {"nickname": "Stan"}, chats2.told((1, "Stan joins")))
    tape.open_comet(1)
    leave = {"channel": bayeux.UNSUBSCRIBE, "clientId": factories.CLIENT, "subscription": "/_genesys", "id": "4"}
    tape.comet(2, [leave], [leave | {"successful": True}])
    shown = SHOWN | {"transcriptPosition": "2"}
    tape.ask(3, "POST", REFRESH, shown, chats2.told((2, "Hi")), sent=ODD_HEADERS)
    recording = tape.recording()
    was = {"/genesys/cometd": "node=r7; lang=en", REFRESH: "node=r7; BROWSER=r8; lang=en"}
    sets = {chats2.REST: "node=r7; Path=/genesys", "/genesys/cometd": "BROWSER=r8; Path=/"}
    exchanges = []
    for one in recording.exchanges:
        request, outcome, target = one.request, one.outcome, one.request.target
        if target in was:
            request = replace(request, headers=(*request.headers, ("cookie", was[target])))
        if target in sets:
            headers = (*outcome.response.headers, ("set-cookie", sets[target]))
            outcome = replace(outcome, response=replace(outcome.response, headers=headers))
        exchanges.append(replace(one, request=request, outcome=outcome))
    return replace(recording, exchanges=tuple(exchanges))


@pytest.mark.parametrize("over", [lambda recording: recording, factories.over_socket])
def test_cookies_of_answers_are_said_by_rest_and_comet(over, tmp_path):
    record = tmp_path / "run.sqlite"
    with simulated(SETTINGS, before=demanding_cookies) as url:
        some = visits.split(over(chat_with_cookies()))
        plan = Plan(some, BaseUrl.parse(url, "--against"), record, 50, 3, Rules(), redact={"gms_redact": "off"})
        (way,) = play(plan, unseen)
    assert way == Played((), ())
    requests = [one.request for one in read(record).exchanges]
    assert {header(one.headers, "gms_user") for one in requests} == {JUERGEN}
    (refresh,) = [one for one in requests if "/refresh" in one.target]
    assert refresh.target.endswith("?by=J%FCrgen+b&to=a%2Fb")
    assert {*ODD_HEADERS} <= {*refresh.headers}
    asked = [header(one.headers, "cookie") for one in requests]
    assert asked[0] is None
    assert asked[1] == "lang=en; node=a1"
    assert {*asked[-1].split("; ")} >= {"lang=en", "node=a1", "BROWSER=b2"}
    assert bayeux.UNSUBSCRIBE in {one.channel for one in read(record).messages}
    assert not any("r7" in one or "r8" in one for one in asked if one)


def at_tls(url: str, record: Path, recording: Recording, **trust: object) -> tuple[Played, ...]:
    plan = Plan(visits.split(recording), BaseUrl.parse(url, "--against"), record, 50, 3, Rules(), **trust)
    return play(plan, unseen)


def test_over_tls_it_is_played_over_tls(tmp_path):
    ca, record, seen = certificate(tmp_path), tmp_path / "run.sqlite", tmp_path / "seen.sqlite"
    recorded = factories.over_socket(chat_with_cookies())
    with simulated(SETTINGS, pem=ca) as url:
        with pytest.raises(OptionError, match=r"not trusted \(.*\); --ca FILE names whom .*, --insecure takes any"):
            at_tls(url, record, recorded)
        assert not record.exists()
        assert at_tls(url, record, read(SAMPLE), ca=ca) == (Played((), ()),)
        assert at_tls(url.replace("127.0.0.1", "localhost"), seen, recorded, insecure=True) == (Played((), ()),)
    found = grading.compare(read(SAMPLE), read(record), Leniency(compares_requests=False)).differences
    assert {(one.path, one.expected, one.actual) for one in found} == {("isTLSrequired", "false", "true")}
    assert {one.request.scheme for one in read(record).exchanges} == {"https"}
    assert [one.request.scheme for one in read(seen).exchanges if one.request.method == "GET"] == ["https"]


@pytest.mark.parametrize(("content", "complaint"), [(None, "cannot be read: No such file"), ("x", "no certificate")])
def test_a_ca_file_that_is_none_is_told(content, complaint, tmp_path):
    ca = tmp_path / "ca.pem"
    if content:
        ca.write_text(content)
    with pytest.raises(OptionError, match=f"--ca {ca}: .*{complaint}"):
        at_tls("https://127.0.0.1:9", tmp_path / "run.sqlite", chat_by_rest(), ca=ca)


def extended(recording: Recording, extensions: dict[str, dict[str, object]]) -> Recording:
    """The same, where what the app says on these channels has an `ext`."""
    messages = []
    for one in recording.messages:
        (said,) = bayeux.parse(one.raw)
        if one.direction is Direction.TO_SERVER and one.channel in extensions:
            messages.append(replace(one, raw=bayeux.dump(said.fields | {"ext": extensions[one.channel]})))
        else:
            messages.append(one)
    return replace(recording, messages=tuple(messages))


def a_chat(tape: Tape, after_s: float, chat: str, *, ends_s: float) -> None:
    """A chat by REST, which says its own id."""
    shown = SHOWN | {"secureKey": f"{chats2.KEY}{chat}"}
    told = partial(chats2.told, chat=chat, key=shown["secureKey"])
    tape.ask(after_s, "POST", chats2.REST, {"nickname": chat}, told((1, "joins")))
    tape.ask(after_s + 1, "POST", f"{chats2.REST}/{chat}/send", shown | {"message": "Hi."}, told((2, "Hi.")))
    tape.ask(ends_s, "POST", f"{chats2.REST}/{chat}/disconnect", shown, told(chatEnded=True))


def waiting_for_two(app):
    """Nobody is answered what he sends before two have begun a chat."""
    begun, both = [], asyncio.Event()

    async def serve(scope, receive, send):
        if scope["path"].endswith("/2/chat/support"):
            begun.append(scope["path"])
            if len(begun) == 2:
                both.set()
        elif scope["path"].endswith("/send"):
            await both.wait()
        await app(scope, receive, send)

    return serve


def test_visits_that_overlapped_are_played_beside_each_other(tmp_path):
    record, tape = tmp_path / "run.sqlite", Tape(user=None)
    a_chat(tape, 0, "0001JaBBFDMA00C1", ends_s=9)
    a_chat(tape, 2, "0001JaBBFDMA00C2", ends_s=5)
    a_chat(tape, 600, "0001JaBBFDMA00C3", ends_s=605)
    happened: list[tuple[int, Happening]] = []
    with simulated(SETTINGS, before=waiting_for_two) as url:
        some = visits.split(tape.recording())
        plan = Plan(some, BaseUrl.parse(url, "--against"), record, 50, 10, Rules())
        ways = play(plan, lambda *what: happened.append(what))
    assert ways == (Played((), ()),) * 3
    turns = [(visit, one.sort) for visit, one in happened if one.sort in (Sort.BEGINS, Sort.ENDS)]
    # The second ends first; the third begins when both are over.
    assert turns[-2:] == [(2, Sort.BEGINS), (2, Sort.ENDS)]
    assert [visit for visit, sort in turns if sort is Sort.BEGINS] == [0, 1, 2]
    assert [one.step for visit, one in happened if visit == 1 and one.sort is Sort.DID] == [1, 2, 3]


def failing_second_refreshes(app):
    asked = []

    async def serve(scope, receive, send):
        asked.append(scope["path"].endswith("/refresh"))
        if sum(asked) < 2:
            await app(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    return serve


def test_a_poll_that_fails_in_between_is_missing(tmp_path):
    tape = Tape()
    tape.ask(0, "POST", chats2.REST, {"nickname": "Stan"}, chats2.told((1, "Stan joins")))
    tape.ask(2, "POST", f"{chats2.ONE_CHAT}/refresh", SHOWN | {"transcriptPosition": "2"}, chats2.told((98, "Hi")))
    with simulated(SETTINGS, before=failing_second_refreshes) as url:
        plan = Plan(
            visits.split(tape.recording()), BaseUrl.parse(url, "--against"), tmp_path / "run.sqlite", 50, 9, Rules()
        )
        (way,) = play(plan, unseen)
    assert [(one.expected, one.actual, one.note) for one in way.unreached] == [
        ("nextPosition 99", None, "no answer at poll 2")
    ]


def service_of(recording: Recording) -> str:
    return json.loads(recording.exchanges[0].outcome.response.body.plain)["_id"]


def test_extensions_are_said_as_the_app_said_them(tmp_path):
    record, sample, began_ms = tmp_path / "run.sqlite", read(SAMPLE), time.time_ns() // 1_000_000
    recorded_ms = sample.runs[0].started_at_us // 1000
    told = {
        bayeux.HANDSHAKE: {"ack": True, "app": {"version": "7"}, "timesync": {"tc": recorded_ms}},
        bayeux.CONNECT: {"ack": 3, "service": service_of(sample)},
        bayeux.SUBSCRIBE: {"topic": f"of {service_of(sample)}"},
    }
    played(Settings(quick=True), record, extended(sample, told))
    run = read(record)
    said = [bayeux.parse(one.raw)[0] for one in run.messages if one.direction is Direction.TO_SERVER]
    handshakes, connects, subscribes = [[one.part("ext") for one in said if one.channel == name] for name in told]
    assert [(ext["ack"], ext["app"]) for ext in handshakes] == [(True, {"version": "7"})]
    assert handshakes[0]["timesync"]["tc"] >= began_ms
    assert [ext["ack"] for ext in connects] == [-1, *range(1, len(connects))]
    # What came is acknowledged: else it would be told twice.
    events = [one.raw for one in run.messages if one.channel == "/_genesys"]
    assert len(events) == len(set(events)) > 5
    assert {ext["service"] for ext in connects} == {service_of(run)} != {service_of(sample)}
    assert subscribes == [{"topic": f"of {service_of(run)}"}]


def test_who_is_not_there_is_named():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/genesys"
        with pytest.raises(OptionError, match=r"does it run, and is its address right\?"):
            play(Plan([], BaseUrl.parse(url, "--against"), Path("unused"), 1, 1, Rules()), unseen)


def test_a_gms_without_tls_is_named():
    with simulated(SETTINGS) as url:
        plan = Plan([], BaseUrl.parse(url.replace("http:", "https:"), "--against"), Path("unused"), 1, 1, Rules())
        with pytest.raises(OptionError, match="does not speak TLS"):
            play(plan, unseen)


def test_over_a_socket_it_is_played_over_a_socket(tmp_path):
    record = tmp_path / "run.sqlite"
    played(SETTINGS, record, factories.over_socket(chats2.recorded_chat().recording()))
    recording = read(record)
    assert len(recording.sockets) == 1
    assert any(b"chatEnded" in one.raw and one.transport is Transport.WEBSOCKET for one in recording.messages)


def offering_no_sockets(app):
    async def serve(scope, receive, send):
        async def told(event):
            body = event.get("body", b"").replace(b'"websocket"', b'"by-pigeon"')
            await send(event | {"body": body} if "body" in event else event)

        await app(scope, receive, told)

    return serve


def test_a_transport_that_is_not_offered_any_more_is_missing(tmp_path):
    over_socket = factories.over_socket(chats2.recorded_chat().recording())
    with simulated(SETTINGS, before=offering_no_sockets) as url:
        plan = Plan(visits.split(over_socket), BaseUrl.parse(url, "--against"), tmp_path / "run.sqlite", 50, 1, Rules())
        (way,) = play(plan, unseen)
    assert [(one.rule, one.expected, one.actual) for one in way.unreached] == [
        ("Comet: transport", "websocket", "long-polling")
    ]
