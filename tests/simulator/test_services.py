import pytest

from gms_replay.simulator.call import RefusalError
from gms_replay.simulator.services import Service, Services


def service(service_id, name="samples"):
    return Service(service_id, name, {}, 0, 0, ahead=1, behind=1)


def test_services_are_found_again():
    services = Services()
    services.add(one := service("1"))
    services.add(service("2", "other"))
    assert (services.find("1"), services.find("1", "samples"), services.named("samples")) == (one, one, [one])


@pytest.mark.parametrize(("service_id", "name"), [("2", None), ("1", "other")])
def test_unknown_services_are_refused(service_id, name):
    services = Services()
    services.add(service("1"))
    with pytest.raises(RefusalError, match=f"Service {service_id} not found"):
        services.find(service_id, name)


def test_removed_services_are_unknown():
    services = Services()
    services.add(one := service("1"))
    services.remove(one)
    with pytest.raises(RefusalError):
        services.find("1")
