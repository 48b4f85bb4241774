from gms_replay.simulator.settings import Settings


def test_a_person_is_the_default():
    assert not Settings().quick


def test_anything_is_configured_by_default():
    assert (Settings().services, Settings().seed) == (frozenset(), None)


def test_comet_waits_as_servers_do():
    assert (Settings().poll_timeout_s, Settings().max_interval_s) == (30.0, 10.0)


def test_equal_seeds_repeat_identities(app_of):
    first, second, other = app_of(seed=5), app_of(seed=5), app_of(seed=6)
    service_id = first.start()
    assert second.start() == service_id != other.start()
