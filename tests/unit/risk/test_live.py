"""Tests of `risk.live`: after any changes the book is as if measured from nothing."""

from dataclasses import replace

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from risk.decomposition import normal_components, shortfall_components
from risk.estimators import ESTIMATORS
from risk.live import CONFIDENCES, LiveBook
from risk.market_state import estimate_state
from risk.score import UNCALIBRATED
from risk.shocks import Shock
from risk.stress import Basis, StressScenario, run_stress

RETURNS = np.random.default_rng(0).standard_t(5, size=(4, 500)) * 0.01
STATE = estimate_state(
    ("A", "B", "C", "D"),
    RETURNS,
    market=RETURNS.mean(axis=0),
    rates=None,
    daily_notional={"A": 1e5, "B": 1e4},
)
SCENARIOS = tuple(
    StressScenario(name=name, title="", description="", basis=basis, shock=shock)
    for name, basis, shock in (
        ("crash", Basis.REVALUATION, Shock(market_return=-0.2)),
        (
            "breakdown",
            Basis.TAIL_LOSS,
            Shock(volatility_multiple=2, correlation_target=1, correlation_weight=0.9),
        ),
        ("drought", Basis.LIQUIDATION, Shock(spread_multiple=10, volume_multiple=0.2)),
    )
)


def changed() -> tuple[LiveBook, np.ndarray]:
    book = LiveBook(STATE, RETURNS, np.array([100.0, -40.0, 0.0, 30.0]), scenarios=SCENARIOS)
    for symbol, exposure in (("C", 80.0), ("A", -20.0), ("A", 60.0), ("D", 0.0)):
        book.set_exposure(symbol, exposure)
    return book, np.array([60.0, -40.0, 80.0, 0.0])


def test_changes_add_up_to_the_book_measured_from_nothing() -> None:
    book, exposures = changed()

    live = book.measure()

    for name, (value, shortfall) in live.tails.items():
        expected = ESTIMATORS[name]((exposures @ RETURNS)[None, :], CONFIDENCES)
        assert value == pytest.approx(expected[0][:, 0], rel=1e-6)
        assert shortfall == pytest.approx(expected[1][:, 0], rel=1e-6)
    split = normal_components(exposures, STATE.covariance, confidence=0.99)
    assert live.component_var == pytest.approx(split.component, abs=1e-9)
    parts = shortfall_components(exposures[:, None] * RETURNS, confidence=0.99)
    assert live.component_es == pytest.approx(parts, abs=1e-9)
    for result in run_stress(SCENARIOS, STATE, exposures, equity=1.0):
        assert live.stresses[result.name] == pytest.approx(result.loss)


def test_stress_results_explain_themselves_as_those_of_a_fresh_run() -> None:
    book, exposures = changed()
    fresh = run_stress(SCENARIOS, STATE, exposures, equity=200.0, notes={"crash": "a note"})

    for mine, other in zip(
        book.stress_results(equity=200.0, notes={"crash": "a note"}), fresh, strict=True
    ):
        held = {s: loss for s, loss in other.contributions.items() if s != "D"}
        assert mine.contributions == pytest.approx(held)
        assert list(mine.contributions) == list(held)
        assert replace(mine, contributions={}) == replace(
            other,
            contributions={},
            loss=pytest.approx(other.loss),
            loss_fraction=pytest.approx(other.loss_fraction),
            normal_loss=None if other.normal_loss is None else pytest.approx(other.normal_loss),
        )


def test_two_books_share_a_market_and_nothing_else() -> None:
    book, exposures = changed()
    other = book.holding(np.zeros(4))
    other.set_exposure("A", 1_000.0)

    assert book.exposures.tolist() == exposures.tolist()
    assert book.measure().stresses != other.measure().stresses
    other.set_exposure("A", 0.0)
    assert other.pnl == pytest.approx(np.zeros(500), abs=1e-9)


def test_more_exposure_is_a_higher_score() -> None:
    book, _ = changed()
    given = {
        "equity": 150.0,
        "drawdown": 0.1,
        "drawdown_limit": 0.2,
        "utilisations": np.array([0.5]),
        "calibration": UNCALIBRATED,
    }
    before = book.breach_probability(**given)
    book.set_exposure("A", 600.0)
    assert book.breach_probability(**given) > before


def test_a_book_of_nothing_has_no_risk() -> None:
    book = LiveBook(STATE, RETURNS, np.zeros(4), scenarios=SCENARIOS)
    live = book.measure()
    assert live.component_var.tolist() == [0.0] * 4
    assert live.component_es == pytest.approx(np.zeros(4))
    assert set(live.stresses.values()) == {0.0}


def test_bad_changes_are_refused() -> None:
    book, _ = changed()
    with pytest.raises(MissingDataError, match="Z has no scenarios"):
        book.set_exposure("Z", 1.0)
    with pytest.raises(InvalidInputError, match="must be finite"):
        book.set_exposure("A", float("nan"))
    with pytest.raises(InvalidInputError, match="must match"):
        LiveBook(STATE, RETURNS, np.zeros(3), scenarios=SCENARIOS)
