"""Tests of the three interval methods: coverage they keep, what they know, what they refuse."""

import numpy as np
import pytest

from basics.errors import InvalidInputError
from models.confidence import coverage_by_year
from models.coverage import coverage_exceptions
from models.estimators import Ridge
from models.interval_cuts import Narrowest, Quantiles, Symmetric
from models.interval_levels import DynamicLevel, FixedStep
from models.intervals import METHODS, IntervalMethod, leave_out_errors
from tests.small_market import SPEC, inputs


def _errors(n: int = 2500) -> np.ndarray:
    """Ten series whose errors are skewed and double in the second half."""
    rng = np.random.default_rng(9)
    errors = rng.gamma(2.0, size=(10, n)) - 2.0
    errors[:, n // 2 :] *= 2.0
    return errors


@pytest.mark.parametrize("step", [0.02, None])
@pytest.mark.parametrize("method", METHODS)
def test_coverage_holds_through_a_change(method: str, step: float | None) -> None:
    errors = _errors()
    below, above = IntervalMethod(method=method, step=step, delay=5).bounds(errors)

    inside = ((errors <= above) & (errors >= -below))[:, 100:]

    assert inside.mean() == pytest.approx(0.90, abs=0.01)
    assert inside[:, 1500:].mean() == pytest.approx(0.90, abs=0.02)


@pytest.mark.parametrize("method", METHODS)
def test_no_session_knows_an_outcome_that_is_not_there_yet(method: str) -> None:
    errors = _errors(600)
    changed = errors.copy()
    changed[:, 400:] = 50.0
    bounds = IntervalMethod(method=method, delay=5)

    whole, other = bounds.bounds(errors), bounds.bounds(changed)

    # Session 405 is the first to know the outcome of session 400.
    for one, two in zip(whole, other, strict=True):
        assert one[:405].tobytes() == two[:405].tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_sessions_before_the_first_error_count_for_nothing(method: str) -> None:
    """Once the first interval was cut from one session's errors where a history lay before it."""
    errors = _errors(300)
    nothing = np.full((10, 130), np.nan)
    bounds = IntervalMethod(method=method, delay=5)

    alone, behind = bounds.bounds(errors), bounds.bounds(np.concatenate([nothing, errors], axis=1))

    assert np.isnan(alone[0][:55]).all()
    assert np.isfinite(alone[0][55:]).all()
    for one, other in zip(alone, behind, strict=True):
        assert one.tobytes() == other[130:].tobytes()


def test_the_narrowest_interval_of_skewed_errors_is_narrower_than_the_symmetric_one() -> None:
    errors = np.random.default_rng(9).exponential(size=(10, 2500)) - 1.0
    sizes = {}
    for method in ("aci", "enbpi"):
        below, above = IntervalMethod(method=method).bounds(errors)
        sizes[method] = np.nanmean((below + above)[500:])

    # Of an exponential less its mean: [-1, 1.30] against [-1.30, 1.30].
    assert sizes["enbpi"] == pytest.approx(2.30, abs=0.1)
    assert sizes["aci"] == pytest.approx(2.61, abs=0.1)


def test_errors_of_the_ensemble_give_the_first_session_an_interval() -> None:
    start = np.linspace(-1.0, 1.0, 201)

    below, above = IntervalMethod(method="enbpi").bounds(_errors(50), start=start)

    assert np.isfinite(below).all()
    assert below[0] + above[0] == pytest.approx(1.8, abs=0.03)


def test_a_row_that_every_bag_held_has_no_error() -> None:
    given = inputs(skill=0.5)
    dataset = SPEC.dataset(given.features, given.outcome)
    rows = SPEC.folds(dataset)[0].train
    scale = np.ones(len(dataset.y))

    errors = leave_out_errors(
        Ridge(), dataset, rows, scale=scale, generator=np.random.default_rng(1)
    )
    again = leave_out_errors(
        Ridge(), dataset, rows, scale=scale, generator=np.random.default_rng(1)
    )

    # A row is in a bag with probability 1 - 1/e: in all ten with 1%.
    assert len(rows) * 0.95 < len(errors) <= len(rows)
    assert errors.tobytes() == again.tobytes()


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'magic': say aci, enbpi, cqr"):
        IntervalMethod(method="magic")  # type: ignore[arg-type]


def test_a_year_outside_the_band_is_told_with_its_cause() -> None:
    sessions = np.arange("2010-01-01", "2012-01-01", dtype="datetime64[D]")
    errors = np.ones((5, len(sessions)))
    errors[:, 365:] = 3.0
    inside = np.where(np.arange(len(sessions)) < 365, 1.0, 0.0) * np.ones((5, 1))
    inside[:, :36] = 0.0
    years = sessions.astype("datetime64[Y]").astype(int) + 1970

    (found,) = coverage_exceptions(
        coverage_by_year(inside, years), errors, inside, sessions, horizon=1, aim=0.9
    )

    assert (found.year, found.share) == (2011, 0.0)
    assert "errors were 3.00 times those of the 500 sessions before" in found.cause
    assert "within chance" not in found.cause


def test_a_fixed_step_moves_by_what_the_sessions_own_level_missed() -> None:
    level = FixedStep(alpha=0.1, step=0.1)
    told = level.issued

    level.learn(np.array([0.05, 0.5]), told)  # One of two lies beyond: 0.1 + 0.1 (0.1 - 0.5).
    assert level.level == pytest.approx(0.06)
    # An outcome that comes late is held against the level of its session, not against today's.
    level.learn(np.array([0.08]), told)
    assert level.level == 0.0  # 0.06 + 0.1 (0.1 - 1) lies below nothing.


def test_weighed_steps_lean_on_those_that_met_the_quantile() -> None:
    rng = np.random.default_rng(7)
    still, moving = DynamicLevel(0.1, window=500), DynamicLevel(0.1, window=500)
    for t in range(2000):
        still.learn(rng.random(20), still.issued)
        # Errors four times as large as the pool's every other year: tolerances shrink.
        moving.learn(rng.random(20) ** (3.0 if t // 250 % 2 else 1.0), moving.issued)

    assert still.level == pytest.approx(0.1, abs=0.02)
    assert moving.level < 0.05  # It ends in a year of large errors, and has followed.


@pytest.mark.parametrize("cut", [Symmetric(), Narrowest(), Quantiles(0.9)])
def test_an_error_is_inside_exactly_while_its_tolerance_lies_above_the_level(
    cut: Symmetric | Narrowest | Quantiles,
) -> None:
    rng = np.random.default_rng(4)
    pool, errors = rng.normal(size=400), rng.normal(size=50) * 1.5
    for level in (0.0213, 0.1037, 0.3711):
        below, above = cut.ends(pool, 1.0 - level, session=0)
        inside = (errors <= above) & (errors >= -below)
        assert inside.tolist() == (cut.tolerances(pool, errors) > level).tolist()


def test_a_step_below_nothing_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="step >= 0"):
        IntervalMethod(step=-0.1)
