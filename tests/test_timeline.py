from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gms_replay.gms import InstantClass
from gms_replay.instants import SECOND_US
from gms_replay.timeline import Fences, Shift, Timeline, elapsed_s

PROPERTY = settings(max_examples=50, deadline=None)
EVENT, CALENDAR = InstantClass.EVENT, InstantClass.CALENDAR
GRID_US = 300 * SECOND_US
WEEK_US = 7 * 24 * 3600 * SECOND_US

# Instants of one hour, so close together that messages name the same ones and that paces bring them out of order.
events = st.tuples(
    st.just(EVENT), st.integers(0, 60).map(lambda at: at * 60 * SECOND_US) | st.integers(0, 3600 * SECOND_US)
)
slots = st.tuples(st.just(CALENDAR), st.integers(0, 12).map(lambda at: at * GRID_US))
messages = st.lists(
    st.tuples(st.integers(0, 3600 * SECOND_US), st.integers(0, 7200 * SECOND_US), st.sets(events | slots, max_size=6)),
    min_size=1,
    max_size=6,
)
pinned = st.none() | st.integers(-(10**15), 10**15)
shifts = st.sampled_from(Shift)


def play(timeline, messages):
    """What each message was told, in turn: its instants, recorded to told."""
    return [timeline.tell(instants, timeline.shift_us(*item)) for *item, instants in messages]


def of_class(kind, told):
    return sorted((recorded_us, told_us) for (its, recorded_us), told_us in told.items() if its is kind)


def in_order(pairs):
    return all(earlier[1] <= later[1] for earlier, later in pairwise(sorted(pairs)))


def message_in_order(told):
    """Whether what was recorded earlier is told no later, whatever the classes; equal instants may part."""
    pairs = [(recorded_us, told_us) for (_, recorded_us), told_us in told.items()]
    return all(one[1] <= other[1] for one in pairs for other in pairs if one[0] < other[0])


@PROPERTY
@given(messages, pinned)
def test_no_instant_told_twice(messages, pinned_us):
    memory = {}
    played = play(Timeline(grid_us=GRID_US, pinned_shift_us=pinned_us), messages)
    for told in played:
        assert all(memory.setdefault(instant, told_us) == told_us for instant, told_us in told.items())
    assert [set(told) for told in played] == [instants for *_, instants in messages]


@PROPERTY
@given(messages, pinned)
def test_order_holds_in_class(messages, pinned_us):
    memory = {}
    for told in play(Timeline(grid_us=GRID_US, pinned_shift_us=pinned_us), messages):
        memory |= told
    assert in_order(of_class(EVENT, memory))
    assert in_order(of_class(CALENDAR, memory))


@PROPERTY
@given(messages, pinned, shifts)
def test_fences_keep_every_order(messages, pinned_us, shift):
    fences = Fences(instants for *_, instants in messages)
    memory = {}
    for told in play(Timeline(grid_us=GRID_US, pinned_shift_us=pinned_us, fences=fences, shift=shift), messages):
        assert message_in_order(told)
        assert all(memory.setdefault(instant, told_us) == told_us for instant, told_us in told.items())
    assert in_order(of_class(EVENT, memory))


@PROPERTY
@given(messages, pinned)
def test_own_fences_keep_new_events(messages, pinned_us):
    """Without the story's fences, an event keeps among the slots of its message what earlier events leave it."""
    before = {}
    for told in play(Timeline(grid_us=GRID_US, pinned_shift_us=pinned_us), messages):
        fixed = of_class(EVENT, before)
        for at_us, told_us in of_class(EVENT, told):
            floor_us = max((past_us for event_us, past_us in fixed if event_us <= at_us), default=-(10**20))
            ceiling_us = min((past_us for event_us, past_us in fixed if event_us >= at_us), default=10**20)
            for slot_us, slot_told_us in of_class(CALENDAR, told):
                if slot_us < at_us:
                    assert told_us >= min(slot_told_us, ceiling_us)
                elif slot_us > at_us:
                    assert told_us <= max(slot_told_us, floor_us)
        before |= told


@PROPERTY
@given(messages.map(lambda some: some[:1]), pinned)
def test_first_message_keeps_order(messages, pinned_us):
    (told,) = play(Timeline(grid_us=GRID_US, pinned_shift_us=pinned_us), messages)
    assert message_in_order(told)


@PROPERTY
@given(st.lists(st.tuples(st.integers(0, 10**16), st.integers(0, 10**16)), min_size=1))
def test_shifts_are_whole_seconds_apart(items):
    timeline = Timeline()
    shifts = [timeline.shift_us(*item) for item in items]
    first_us = items[0][1] - items[0][0]
    assert shifts[0] % SECOND_US == 0
    assert 0 <= first_us - shifts[0] < SECOND_US
    for (recorded_us, released_us), shift_us in zip(items, shifts, strict=True):
        assert (shift_us - shifts[0]) % SECOND_US == 0
        assert abs((released_us - recorded_us - first_us) - (shift_us - shifts[0])) <= SECOND_US // 2


@PROPERTY
@given(messages, st.integers(-(10**15), 10**15))
def test_pinned_shift_is_everyones(messages, pinned_us):
    timeline = Timeline(pinned_shift_us=pinned_us)
    shifts = {timeline.shift_us(*item) for *item, _ in messages}
    assert shifts == {pinned_us // SECOND_US * SECOND_US}
    assert timeline.first_shift_us in shifts


@PROPERTY
@given(st.lists(st.sets(events), min_size=1, max_size=5), st.integers(-(10**15), 10**15))
def test_equal_shifts_tell_plainly(told_together, pinned_us):
    timeline = Timeline(pinned_shift_us=pinned_us)
    for instants in told_together:
        told = timeline.tell(instants, timeline.shift_us(0, 0))
        assert told == {instant: instant[1] + timeline.first_shift_us for instant in instants}


@PROPERTY
@given(messages, pinned)
def test_slots_stay_on_their_grid(messages, pinned_us):
    timeline = Timeline(grid_us=GRID_US, pinned_shift_us=pinned_us)
    for told in play(timeline, messages):
        for slot_us, told_us in of_class(CALENDAR, told):
            assert told_us - slot_us == timeline.calendar_shift_us
            assert told_us % GRID_US == 0
    assert 0 <= timeline.calendar_shift_us - timeline.first_shift_us < GRID_US


@PROPERTY
@given(messages, pinned, st.sampled_from([SECOND_US, GRID_US, 7 * GRID_US]))
def test_weeks_keep_the_weekday(messages, pinned_us, grid_us):
    """And events, where no slot stands in their way, are told as ever."""
    timeline = Timeline(grid_us=grid_us, pinned_shift_us=pinned_us, shift=Shift.WEEKS)
    for told in play(timeline, messages):
        for slot_us, told_us in of_class(CALENDAR, told):
            assert told_us - slot_us == timeline.calendar_shift_us
    assert timeline.calendar_shift_us % WEEK_US == timeline.calendar_shift_us % grid_us == 0
    if WEEK_US % grid_us == 0:
        assert 0 <= timeline.calendar_shift_us - timeline.first_shift_us < WEEK_US
    assert timeline.tell([(EVENT, 10**17)], SECOND_US)[EVENT, 10**17] == 10**17 + SECOND_US


@PROPERTY
@given(messages, shifts)
def test_no_shift_moves_nothing(messages, shift):
    fences = Fences(instants for *_, instants in messages)
    for told in play(Timeline(grid_us=GRID_US, pinned_shift_us=0, fences=fences, shift=shift), messages):
        assert all(told_us == recorded_us for (_, recorded_us), told_us in told.items())


@PROPERTY
@given(messages, pinned, shifts)
def test_recall_undoes_telling(messages, pinned_us, shift):
    timeline = Timeline(grid_us=GRID_US, pinned_shift_us=pinned_us, shift=shift)
    memory = {}
    for told in play(timeline, messages):
        memory |= told
    for (kind, recorded_us), told_us in memory.items():
        recalled_us = timeline.recall(told_us)
        if kind is CALENDAR:
            assert recalled_us == recorded_us
        else:
            assert told_us in (memory.get((EVENT, recalled_us)), memory.get((CALENDAR, recalled_us)))


@PROPERTY
@given(messages, st.integers(0, 10**10))
def test_untold_instants_are_unknown(messages, told_us):
    timeline = Timeline(grid_us=GRID_US)
    told = play(timeline, messages)
    assert timeline.recall(told_us) is not None or all(told_us not in one.values() for one in told)
    assert timeline.recall(told_us) is None or any(told_us in one.values() for one in told)


def test_later_event_waits_for_earlier():
    timeline = Timeline(pinned_shift_us=0)
    timeline.tell([(EVENT, 100)], 50)
    assert timeline.tell([(EVENT, 110)], 0) == {(EVENT, 110): 150}


def test_earlier_event_stays_before():
    timeline = Timeline(pinned_shift_us=0)
    timeline.tell([(EVENT, 100)], 0)
    assert timeline.tell([(EVENT, 90)], 50) == {(EVENT, 90): 100}


def test_event_keeps_between_slots():
    timeline = Timeline(grid_us=GRID_US)
    shift_us = timeline.shift_us(0, 10 * SECOND_US)
    instants = [(CALENDAR, 0), (EVENT, SECOND_US), (CALENDAR, GRID_US)]
    assert timeline.tell(instants, shift_us) == {
        (CALENDAR, 0): GRID_US,
        (EVENT, SECOND_US): GRID_US,
        (CALENDAR, GRID_US): 2 * GRID_US,
    }


def test_fence_of_later_message_counts():
    early, late = [(EVENT, SECOND_US)], [(EVENT, SECOND_US), (CALENDAR, GRID_US)]
    timeline = Timeline(pinned_shift_us=0, fences=Fences([early, late]))
    assert timeline.tell(early, 2 * GRID_US) == {(EVENT, SECOND_US): GRID_US}
    assert timeline.tell(late, 0) == {(EVENT, SECOND_US): GRID_US, (CALENDAR, GRID_US): GRID_US}


def test_lower_fences_rise_with_events():
    told_first = [(CALENDAR, GRID_US), (EVENT, 2 * GRID_US + 2)]
    told_then = [(CALENDAR, 2 * GRID_US), (EVENT, 2 * GRID_US + 1)]
    timeline = Timeline(grid_us=GRID_US, fences=Fences([told_first, told_then]))
    shift_us = timeline.shift_us(0, 10 * SECOND_US)
    assert timeline.tell(told_first, shift_us)[EVENT, 2 * GRID_US + 2] == 3 * GRID_US
    assert timeline.tell(told_then, shift_us)[EVENT, 2 * GRID_US + 1] == 3 * GRID_US


def test_upper_fences_rise_with_events():
    told_first = [(EVENT, 1), (CALENDAR, 2 * GRID_US)]
    told_then = [(EVENT, 2), (CALENDAR, GRID_US)]
    timeline = Timeline(pinned_shift_us=0, fences=Fences([told_first, told_then]))
    assert timeline.tell(told_first, 3 * GRID_US)[EVENT, 1] == GRID_US
    assert timeline.tell(told_then, 3 * GRID_US)[EVENT, 2] == GRID_US


def test_asked_slot_is_the_slot():
    timeline = Timeline(grid_us=GRID_US)
    shift_us = timeline.shift_us(0, 10 * SECOND_US)
    told = timeline.tell([(CALENDAR, 0), (EVENT, SECOND_US)], shift_us)
    assert timeline.recall(told[CALENDAR, 0]) == 0


def test_classes_are_told_apart():
    timeline = Timeline(grid_us=GRID_US)
    shift_us = timeline.shift_us(0, 10 * SECOND_US)
    assert timeline.tell([(CALENDAR, GRID_US)], shift_us) == {(CALENDAR, GRID_US): 2 * GRID_US}
    assert timeline.tell([(EVENT, GRID_US)], shift_us) == {(EVENT, GRID_US): GRID_US + shift_us}


def test_no_item_no_shift():
    assert (Timeline().first_shift_us, Timeline(grid_us=GRID_US).calendar_shift_us) == (0, 0)


def test_past_release_rounds_down():
    timeline = Timeline(grid_us=GRID_US)
    assert timeline.shift_us(10_500_000, 0) == -11 * SECOND_US
    assert timeline.calendar_shift_us == 0


@PROPERTY
@given(messages)
def test_elapsed_never_decreases(messages):
    timeline = Timeline(grid_us=GRID_US)
    memory = {}
    for told in play(timeline, [(at_us, due_us, {(EVENT, 0), *some}) for at_us, due_us, some in messages]):
        memory |= told
    lines = of_class(EVENT, memory)
    elapsed = [elapsed_s(memory[EVENT, 0], told_us) for _, told_us in lines]
    assert elapsed == sorted(elapsed)
    assert elapsed[0] == 0


@pytest.mark.parametrize(("line_us", "elapsed"), [(0, 0), (999_999, 0), (8_000_000, 8), (8_999_999, 8), (-1, 0)])
def test_elapsed_counts_whole_seconds(line_us, elapsed):
    assert elapsed_s(0, line_us) == elapsed
