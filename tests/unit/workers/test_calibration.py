"""A model's factor is learnt from its calls, slowly and within bounds."""

from orchestrator.catalogue import tokens
from schemas.providers import Vendor
from workers.calibration import Calibration

MODEL = (Vendor.OPENAI, "gpt-5")


def test_without_a_call_the_margin_holds() -> None:
    assert Calibration().factor(*MODEL) == tokens.MARGIN


def test_calls_draw_the_factor_to_what_the_vendor_counts() -> None:
    calibration = Calibration()
    for _ in range(50):
        calibration.learn(*MODEL, 30_000, 8_000)
    assert abs(calibration.factor(*MODEL) - 0.8 * tokens.SAFETY) < 0.001
    before = calibration.factor(*MODEL)
    calibration.learn(*MODEL, 30_000, 1_000_000)
    assert before < calibration.factor(*MODEL) < before + 0.1


def test_a_short_prompt_says_nothing() -> None:
    calibration = Calibration()
    assert calibration.learn(*MODEL, 30, 100) is None
    assert calibration.factor(*MODEL) == tokens.MARGIN


def test_the_others_are_asked_once_in_a_while_until_the_model_is_known() -> None:
    calibration = Calibration()
    assert [calibration.curious(*MODEL) for _ in range(3)] == [True, False, False]
    calibration.learn(*MODEL, 30_000, 8_000)
    assert not calibration.curious(*MODEL)
