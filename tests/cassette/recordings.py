"""Any recording, for hypothesis: arbitrary bytes and texts, None wherever it may be, facts that belong together."""

from hypothesis import strategies as st

from gms_replay.model import (
    Body,
    Connection,
    Direction,
    Exchange,
    Frame,
    Message,
    Outcome,
    Push,
    Recording,
    Redaction,
    Request,
    Response,
    Run,
    Socket,
    Transport,
)

instants = st.integers(-(2**63), 2**63 - 1)
maybe_instants = st.none() | instants
ids = st.integers(1, 2**63 - 1)
# What trips up JSON, SQLite, lines or encodings, besides plain letters.
texts = st.text(st.sampled_from("aZ09 \"'\\/\0\t\r\n\x1b\x7f\x85\xa0\xff\u2028\ufeff\uffff\U0001f600"), max_size=10)
byte_texts = st.binary(max_size=10).map(lambda content: content.decode("latin-1"))
contents = st.binary(max_size=20) | texts.map(str.encode)
bodies = st.builds(Body, contents, st.none() | contents)
headers = st.lists(st.tuples(byte_texts, byte_texts), max_size=3).map(tuple)
versions = st.lists(st.tuples(texts, texts), max_size=3).map(tuple)
directions = st.sampled_from(Direction)
redactions = st.sampled_from(Redaction)
transports = st.sampled_from(Transport)
codes = st.integers(0, 70_000)

requests = st.builds(
    Request, texts, texts, texts, codes, byte_texts, texts, headers, bodies, instants, maybe_instants, texts
)
responses = st.builds(Response, codes, texts, texts, headers, bodies, instants, maybe_instants)
outcomes = st.builds(Outcome, instants, st.none() | responses, st.none() | texts)
id_sets = st.lists(ids, max_size=4, unique=True).map(sorted)


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    run_ids = draw(id_sets)
    exchange_ids = draw(id_sets) if run_ids else []
    message_ids = draw(id_sets) if exchange_ids else []
    push_ids = draw(id_sets) if run_ids else []
    socket_ids = sorted(draw(st.sets(st.sampled_from(exchange_ids)))) if exchange_ids else []
    owners = st.sampled_from(exchange_ids) if exchange_ids else st.nothing()
    runs = st.sampled_from(run_ids) if run_ids else st.nothing()
    connection_ids = draw(id_sets) if run_ids else []
    frame_ids = draw(id_sets) if connection_ids else []
    carriers = st.sampled_from(connection_ids) if connection_ids else st.nothing()

    def each(numbers: list[int], fact: type, *fields: st.SearchStrategy) -> tuple:
        return tuple(draw(st.builds(fact, st.just(number), *fields)) for number in numbers)

    return Recording(
        runs=each(run_ids, Run, instants, texts, st.none() | texts, versions, redactions),
        exchanges=each(exchange_ids, Exchange, runs, requests, st.none() | outcomes),
        messages=each(message_ids, Message, owners, directions, transports, instants, codes, texts, contents),
        pushes=each(push_ids, Push, runs, st.none() | owners, texts, instants, contents),
        connections=each(connection_ids, Connection, runs, texts, codes, texts, instants),
        frames=each(frame_ids, Frame, carriers, directions, instants, contents),
        sockets=each(socket_ids, Socket, instants, maybe_instants, st.none() | codes, texts, st.none() | directions),
    )
