"""Tests of `market.simulated.bars`: simulated around real closes, causal, and shaped like life."""

import numpy as np
import pytest

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from infra.sources.sample import _adjusted_bars
from market.simulated.bars import BarShape, Ohlcv, calibrate, simulate


@pytest.fixture(scope="module")
def real() -> list[Ohlcv]:
    return _adjusted_bars()


@pytest.fixture(scope="module")
def shape(real: list[Ohlcv]) -> BarShape:
    return calibrate(real)


def closes(seed: int, symbols: int = 3, sessions: int = 400) -> FloatArray:
    steps = np.random.default_rng(seed).standard_normal((symbols, sessions)) * 0.02
    return np.exp(4 + np.cumsum(steps, axis=1))


def test_high_is_highest_and_low_is_lowest(shape: BarShape) -> None:
    close = closes(1)

    bars = simulate(close, shape, np.random.default_rng(2), adv_shares=1e6)

    assert (bars.high >= np.maximum(bars.open, close)).all()
    assert (bars.low <= np.minimum(bars.open, close)).all()
    assert (bars.low > 0).all()
    assert (bars.volume >= 1).all()


def test_later_closes_never_change_earlier_bars(shape: BarShape) -> None:
    close = closes(3)

    whole = simulate(close, shape, np.random.default_rng(4), adv_shares=1e6)
    part = simulate(
        np.ascontiguousarray(close[:, :150]), shape, np.random.default_rng(4), adv_shares=1e6
    )

    for name in ("open", "high", "low", "volume"):
        assert np.array_equal(getattr(whole, name)[:, :150], getattr(part, name))


def test_stale_closes_do_not_blow_volume_up(shape: BarShape) -> None:
    close = np.full((1, 300), 50.0)
    close[0, 250:] = 60.0  # A jump after a year at one price.

    bars = simulate(close, shape, np.random.default_rng(5), adv_shares=1e6)

    assert bars.volume.max() < 1e9


def test_a_stock_left_out_is_simulated_much_like_it_was(real: list[Ohlcv]) -> None:
    apple = real[0]
    shape = calibrate(real[1:])

    bars = simulate(apple.close[None], shape, np.random.default_rng(6), adv_shares=1e7)

    true_range = np.log(apple.high / apple.low).mean()
    drawn_range = np.log(bars.high / bars.low).mean()
    assert drawn_range == pytest.approx(true_range, rel=0.25)
    volume = np.log(bars.volume[0])
    assert 0.5 < np.corrcoef(volume[1:], volume[:-1])[0, 1] < 0.98


def test_the_same_seed_draws_the_same_bars(shape: BarShape) -> None:
    first, second = (
        simulate(closes(7), shape, np.random.default_rng(8), adv_shares=1e6) for _ in range(2)
    )
    assert np.array_equal(first.volume, second.volume)


def test_a_missing_close_is_refused(shape: BarShape) -> None:
    with pytest.raises(InvalidInputError, match="finite, positive"):
        simulate(np.array([[1.0, np.nan]]), shape, np.random.default_rng(0), adv_shares=1e6)


def test_a_short_history_cannot_calibrate() -> None:
    short = Ohlcv(*(np.ones(10) for _ in range(5)))
    with pytest.raises(MissingDataError, match="no stock has more than 120"):
        calibrate([short])
