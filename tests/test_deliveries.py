import pytest

from gms_replay.deliveries import Deliveries
from gms_replay.limits import Limits

CHANNEL = "/_genesys"


def deliveries(*clients: str) -> Deliveries:
    """With clients that are subscribed to all."""
    made = Deliveries()
    for client in clients:
        made.add(client)
        made.subscribe(client, ["/**"])
    return made


def lines(count: int, *clients: str) -> Deliveries:
    """The same, with so many lines of a chat."""
    made = deliveries(*clients)
    for place in range(1, count + 1):
        made.publish(CHANNEL, b"%d" % place, ("chat", place))
    return made


def test_events_wait_for_their_subscriber() -> None:
    made = deliveries()
    made.publish("/a", b"1", None)
    made.publish("/b", b"2", None)
    made.add("ann")
    assert made.take("ann", 1) == ()

    made.subscribe("ann", ["/b"])

    assert made.take("ann", 1) == (b"2",)
    assert made.is_waiting


def test_unsubscribed_client_is_told_no_more() -> None:
    made = deliveries("ann")
    made.unsubscribe("ann", ["/**"])
    made.publish(CHANNEL, b"1", None)

    assert not made.is_subscribed("ann")
    assert made.take("ann", 1) == ()


def test_subscribed_twice_is_unsubscribed_once() -> None:
    made = deliveries("ann")
    made.subscribe("ann", ["/**"])
    made.unsubscribe("ann", ["/**"])

    assert not made.is_subscribed("ann")


@pytest.mark.parametrize("is_there", [True, False])
def test_lost_answer_is_told_again(is_there: bool) -> None:
    """To the client, or, where that has gone, to the next."""
    made = lines(2, "ann")
    assert made.take("ann", 1) == (b"1", b"2")
    assert made.is_under_way("ann")
    if not is_there:
        made.drop("ann")
        made.add("ben")
        made.subscribe("ben", ["/**"])

    made.lost(1)

    assert made.take("ann" if is_there else "ben", 2) == (b"1", b"2")


def test_arrived_answer_is_final() -> None:
    made = lines(1, "ann")
    made.take("ann", 1)
    made.arrived(1)
    made.lost(1)

    assert made.take("ann", 2) == ()
    assert not made.is_waiting
    assert not made.is_under_way("ann")


def test_socket_carries_nothing_back() -> None:
    made = lines(1, "ann")
    made.take("ann", None)

    assert not made.is_under_way("ann")


def test_dropped_client_leaves_its_queue() -> None:
    made = lines(2, "ann")
    made.drop("ann")
    made.add("ben")
    made.subscribe("ben", ["/**"])

    assert made.take("ben", 1) == (b"1", b"2")


def test_acknowledged_is_final_whatever_gets_lost() -> None:
    made = lines(3, "ann")
    made.take("ann", 1)
    made.acknowledge("ann", frozenset({0}), frozenset({1, 2}))
    made.lost(1)

    assert made.queued("ann") == {1, 2}
    assert made.take("ann", 2) == (b"2", b"3")


@pytest.mark.parametrize(("position", "rest"), [(0, [b"1", b"2", b"3"]), (2, [b"3"]), (3, []), (99, [])])
def test_app_says_how_much_it_has(position: int, rest: list[bytes]) -> None:
    made = lines(3, "ann")
    made.take("ann", None)
    made.read_to("ann", position)

    assert list(made.take("ann", 1)) == rest


def test_position_is_of_the_chat_heard_last() -> None:
    made = lines(3, "ann")
    made.take("ann", None)
    made.publish(CHANNEL, b"other 1", ("other", 1))
    made.publish(CHANNEL, b"other 2", ("other", 2))
    made.take("ann", None)
    made.read_to("ann", 1)

    assert made.take("ann", 1) == (b"other 2",)


def test_position_counts_for_what_was_not_told() -> None:
    """The app may have the lines from elsewhere."""
    made = lines(3, "ann")
    made.publish(CHANNEL, b"other 1", ("other", 1))
    made.publish(CHANNEL, b"other 2", ("other", 2))
    made.read_to("ann", 1)

    assert made.take("ann", 1) == (b"1", b"2", b"3", b"other 2")


def test_position_without_chat_means_nothing() -> None:
    made = deliveries("ann")
    made.publish(CHANNEL, b"1", None)
    made.read_to("ann", 7)

    assert made.take("ann", 1) == (b"1",)


def test_lost_message_comes_to_who_says_that_it_has_less() -> None:
    made = lines(1, "ann")
    made.publish(CHANNEL, b"2", ("chat", 2), is_lost=True)
    assert (made.take("ann", None), made.is_waiting) == ((b"1",), False)

    made.read_to("ann", 1)
    assert made.take("ann", 1) == (b"2",)


def test_told_events_are_counted_once() -> None:
    events = lines(2, "a", "b")
    assert events.told_count == 0

    for client, carrier in (("a", 1), ("b", 2)):
        events.take(client, carrier)

    assert events.told_count == 2


def test_many_subscriptions_are_not_tried_one_by_one() -> None:
    # Each with each event would take minutes.
    made = deliveries()
    made.add("ann")
    made.subscribe("ann", map("/none/{}".format, range(20_000)))
    for number in range(40_000):
        made.publish("/other/all", b"%d" % number, None)

    assert made.take("ann", 1) == ()


def test_what_is_subscribed_to_again_is_not_looked_at() -> None:
    made = deliveries()
    made.add("ann")
    made.subscribe("ann", map("/none/{}".format, range(1_000)))
    for number in range(20_000):
        made.publish("/other/all", b"%d" % number, None)
    # Each with each event would take minutes.
    for _ in range(20_000):
        made.subscribe("ann", ["/none/1"])

    assert made.take("ann", 1) == ()


@pytest.mark.parametrize(
    ("most", "exceeded"),
    [
        (Limits(subscriptions=3, subscribed_characters=13), None),
        (Limits(subscriptions=2), ("subscriptions", 2)),
        (Limits(subscribed_characters=12), ("subscribed_characters", 12)),
    ],
)
def test_subscriptions_are_counted_once_each(most: Limits, exceeded: tuple[str, int] | None) -> None:
    """Of `/**`, which is there, and of two more."""
    events = deliveries("a")

    assert events.exceeded("a", ["/one", "/one", "/**", "/other"], most) == exceeded


def test_subscriptions_that_ended_are_not_counted() -> None:
    events = deliveries("a")
    events.subscribe("a", ["/one", "/**", "/one"])
    events.unsubscribe("a", ["/one", "/one", "/none"])

    assert events.exceeded("a", ["/two"], Limits(subscriptions=2, subscribed_characters=7)) is None
