import pytest

from gms_replay.simulator.refusals import RefusalError, Wrong


def test_body_keeps_its_order():
    told = RefusalError(400, Wrong.RESOURCE, "none").told()
    assert list(told.items()) == [
        ("exception", "com.genesyslab.gsg.services.callback.exceptions.CallbackExceptionResource"),
        ("message", "none"),
        ("code", 400),
        ("phrase", "Bad Request"),
    ]


@pytest.mark.parametrize("proposed", [{}, {"2014-05-02T16:30:00.000Z": 5}])
def test_proposals_come_last(proposed):
    told = RefusalError(400, Wrong.AVAILABILITY, "closed", proposed).told()
    assert list(told.items())[-1] == ("availability", proposed)


@pytest.mark.parametrize("wrong", Wrong)
def test_classes_are_the_vendors(wrong):
    assert wrong.startswith("com.genesyslab.g")
