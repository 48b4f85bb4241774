import pytest

from gms_replay.simulator.refusals import RefusalError
from gms_replay.simulator.services import Reason, Service, Services


def service(service_id, name="samples", **fields):
    return Service(service_id, name, 1, fields, 0)


def test_services_are_found_again():
    services = Services()
    services.add(one := service("1"))
    services.add(service("2", "other"))
    assert (services.find("1"), services.find("1", "samples"), services.named("samples")) == (one, one, [one])


def test_services_are_counted():
    services = Services()
    services.add(service("1"))
    assert services.next_number() == 2


@pytest.mark.parametrize(("service_id", "name"), [("2", None), ("1", "other")])
def test_unknown_services_are_refused(service_id, name):
    services = Services()
    services.add(service("1"))
    with pytest.raises(RefusalError, match=f"Service {service_id} not found"):
        services.find(service_id, name)


def test_what_is_over_is_unknown():
    services = Services()
    services.add(one := service("1"))
    one.reason = Reason.CANCELLED
    with pytest.raises(RefusalError):
        services.find("1")
    assert (services.find("1", over=True), services.named("samples")) == (one, [one])


def test_values_have_no_case():
    one = service("1", _media_type="Chat")
    assert (one.says("_media_type", "chat"), one.says("_media_type", "voice"), one.says("_other", "x")) == (
        True,
        False,
        False,
    )
