import threading

from gms_replay.cassette.backlog import Backlog

LONG_S = 60.0


def started(act) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def take(backlog: Backlog, gather_s: float = 0) -> list:
    """What is taken, and written at once."""
    taken, _ = backlog.take(gather_s, LONG_S)
    backlog.written()
    return taken


def test_items_come_in_order():
    backlog = Backlog(most_items=10, most_bytes=100)
    for item in "abc":
        backlog.put(item, 1)

    assert backlog.take(gather_s=0, idle_s=LONG_S) == (["a", "b", "c"], True)


def test_end_comes_after_items():
    backlog = Backlog(most_items=10, most_bytes=100)
    backlog.put("a", 1)
    backlog.end()

    assert backlog.take(gather_s=LONG_S, idle_s=LONG_S) == (["a"], False)


def test_idle_take_comes_back():
    assert Backlog(most_items=10, most_bytes=100).take(gather_s=LONG_S, idle_s=0) == ([], True)


def test_full_of_bytes_makes_puts_wait():
    backlog = Backlog(most_items=100, most_bytes=10)
    backlog.put("a", 6)
    put = started(lambda: backlog.put("b", 6))

    # Somebody waits: that ends the gathering early.
    assert backlog.take(gather_s=LONG_S, idle_s=LONG_S) == (["a"], True)
    # What was taken is still in memory.
    assert (len(backlog), put.is_alive()) == (1, True)
    backlog.written()
    put.join()
    assert take(backlog) == ["b"]


def test_full_of_items_makes_puts_wait():
    backlog = Backlog(most_items=2, most_bytes=100)
    backlog.put("a", 1)
    backlog.put("b", 1)
    put = started(lambda: backlog.put("c", 1))

    taken = [take(backlog) for _ in range(3)]

    put.join()
    assert taken == [["a"], ["b"], ["c"]]


def test_larger_than_bound_passes_alone():
    backlog = Backlog(most_items=100, most_bytes=10)
    backlog.put("large", 1000)
    put = started(lambda: backlog.put("small", 1))

    taken = [take(backlog) for _ in range(2)]

    put.join()
    assert taken == [["large"], ["small"]]


def test_batch_is_half_of_bytes():
    backlog = Backlog(most_items=100, most_bytes=10)
    for item in "abc":
        backlog.put(item, 3)

    # More than half is there, so that nothing needs to be gathered.
    assert [take(backlog, gather_s=LONG_S), take(backlog)] == [["a"], ["b"]]


def test_batch_is_half_of_items():
    backlog = Backlog(most_items=4, most_bytes=100)
    for item in "abc":
        backlog.put(item, 1)

    assert backlog.take(gather_s=LONG_S, idle_s=LONG_S) == (["a", "b"], True)


def test_taken_count_until_written():
    backlog = Backlog(most_items=10, most_bytes=100)
    backlog.put("a", 1)
    backlog.take(gather_s=0, idle_s=LONG_S)
    held = len(backlog)
    backlog.written()

    assert (held, len(backlog)) == (1, 0)


def test_drain_waits_for_what_was_put():
    backlog = Backlog(most_items=10, most_bytes=100)
    backlog.put("a", 1)
    drain = started(backlog.drain)

    # That ends the gathering early.
    assert backlog.take(gather_s=LONG_S, idle_s=LONG_S) == (["a"], True)
    assert drain.is_alive()
    backlog.written()
    drain.join()
    backlog.drain()


def test_many_threads_lose_nothing():
    backlog = Backlog(most_items=8, most_bytes=50)
    threads = [started(lambda: [backlog.put(number, number % 60) for number in range(500)]) for _ in range(4)]
    taken = []
    while len(taken) < 2000:
        taken += take(backlog, gather_s=0.01)
    for thread in threads:
        thread.join()

    assert sorted(taken) == sorted(list(range(500)) * 4)
