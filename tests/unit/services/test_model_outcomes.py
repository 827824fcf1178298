"""Tests of what came to pass, by hand for every kind whose outcome becomes known."""

import math

import numpy as np
import pytest

from basics.errors import MissingDataError
from market.panel import Panel
from models.price import PriceSpec
from services.model_outcomes import Ground, realised


def _ground(close: list[list[float]], side: list[list[float]] | None = None) -> Ground:
    grid = np.array(close, dtype=np.float64)
    days = np.datetime64("2022-01-03") + np.arange(grid.shape[1])
    panel = Panel(tuple("AB"[: len(grid)]), days, {"close": grid})
    told = np.zeros_like(grid) if side is None else np.array(side)
    return Ground(closes=panel, price=PriceSpec(horizon=1), side=lambda: told)


def test_a_price_outcome_is_the_return_less_the_peers() -> None:
    found = realised("price", _ground([[1, 1, 2, 2], [1, 1, 1, 1]]))

    # Entered one session later, held for one: A doubles, B stays, the mean is 0.5.
    assert found[:, 0].tolist() == [0.5, -0.5]
    assert np.isnan(found[:, -2:]).all()


def test_a_risk_outcome_is_tomorrows_loss() -> None:
    found = realised("risk", _ground([[100, 90, 99]]))

    assert found[0, :2] == pytest.approx([-math.log(0.9), -math.log(1.1)])
    assert np.isnan(found[0, 2])


def test_a_sizes_outcome_is_what_its_session_returned_so_that_size_times_it_is_profit() -> None:
    found = realised("sizing", _ground([[100, 100, 110, 99]]))

    # A size told at the close of the first session is held from the next close on.
    assert found[0, :2] == pytest.approx([0.10, -0.10])
    assert 0.5 * found[0, 0] == pytest.approx(0.05)
    assert np.isnan(found[0, 2:]).all()


@pytest.mark.parametrize("kind", ["volatility", "regime"])
def test_a_variance_outcome_is_the_labels_own_horizon(kind: str) -> None:
    rng = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(0.01 * rng.normal(size=(1, 200)), axis=1))

    found = realised(kind, _ground(close.tolist()))

    returns = np.diff(np.log(close[0]))
    # Told at session 150: the five returns after it, over the EWMA variance of that session.
    later = found[0, 150] * 5 / np.sum(returns[150:155] ** 2)
    earlier = found[0, 149] * 5 / np.sum(returns[149:154] ** 2)
    ewma = 1.0 / later, 1.0 / earlier
    assert ewma[0] == pytest.approx(0.94 * ewma[1] + 0.06 * returns[149] ** 2)
    assert np.isnan(found[0, -5:]).all()


def test_a_signals_outcome_is_the_barrier_that_its_side_met() -> None:
    rng = np.random.default_rng(2)
    quiet = 100 * np.exp(np.cumsum(0.01 * rng.normal(size=40)))
    up = np.concatenate([quiet, quiet[-1] * np.exp(0.02 * np.arange(1, 20))])
    long, short = np.ones_like(up), -np.ones_like(up)

    found = realised("signal", _ground([up.tolist(), up.tolist()], [long.tolist(), short.tolist()]))

    # It rises by 2% a session from here on: the long side gains, the short side loses.
    assert found[:, 40].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("kind", ["anomaly", "anomaly_flow"])
def test_an_anomaly_has_no_outcome_and_says_why(kind: str) -> None:
    with pytest.raises(MissingDataError, match="nobody tells which real bars or days of flow"):
        realised(kind, _ground([[1.0, 1.0]]))


def test_a_model_of_ones_own_has_none_and_the_kinds_are_named() -> None:
    with pytest.raises(MissingDataError, match="no outcome is known for model 'moon': there are"):
        realised("moon", _ground([[1.0, 1.0]]))
