"""What is asked goes to the place that was declared, whatever a task calls its model."""

from dataclasses import replace

import pytest

from schemas.custom import CustomFormat
from schemas.providers import Vendor, Wire
from tests.unit.workers import wires
from tests.unit.workers.test_custom_wire import SMALL, ask
from workers.call import _straight
from workers.providers import wire_for
from workers.providers.base import WireRequest

DECLARED = CustomFormat.model_validate(SMALL | {"paths": {"completion": "/models/{{model}}/gen"}})


def asked(model: str) -> WireRequest:
    given = replace(ask(DECLARED), model=model)
    return wire_for(given).request(given, None, "a call")


@pytest.mark.parametrize("model", [".", ".."])
def test_a_model_that_would_lead_to_another_place_is_refused(model: str) -> None:
    with pytest.raises(ValueError, match="name another model"):
        _straight(asked(model))


@pytest.mark.parametrize("model", ["a..b", "...", "../x", "%2e%2e", "gpt-4.1"])
def test_any_other_model_is_one_segment(model: str) -> None:
    request = asked(model)
    assert _straight(request) is request
    assert request.path.count("/") == 3


def test_usual_paths_are_straight() -> None:
    given = wires.ask(Wire.OPENAI_CHAT, Vendor.OPENAI, "gpt-4.1")
    request = wire_for(given).request(given, "key", "a call")
    assert _straight(request) is request
