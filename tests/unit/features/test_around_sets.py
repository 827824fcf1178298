"""Tests of the sets that read more than bars: sectors by date, the index and style funds."""

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from features.catalogue.factor_betas import MARKET, STYLES
from features.sets import feature_set
from market.panel import Panel

SYMBOLS = ("A", "B", "C", "D")


def _sessions(n: int) -> np.ndarray:
    return np.busday_offset(np.datetime64("2015-01-02"), np.arange(n), roll="forward")


def _path(daily: np.ndarray) -> np.ndarray:
    return 100.0 * np.cumprod(1.0 + daily, axis=-1)


def test_a_sectors_mean_is_taken_out_and_shown_by_hand() -> None:
    rng = np.random.default_rng(1)
    close = _path(rng.normal(0, 0.02, (4, 300)))
    sector = np.repeat([[0.0], [0.0], [1.0], [1.0]], 300, axis=1)
    sector[3, 290:] = 0.0  # From here on D is a peer of A and B.
    panel = Panel(SYMBOLS, _sessions(300), {"close": close}, context={"reference.sector": sector})

    found = feature_set("sector_neutral").compute(panel)

    for t, peers in ((289, [[0, 1], [2, 3]]), (295, [[0, 1, 3], [2]])):
        return_5 = close[:, t] / close[:, t - 5] - 1.0
        return_20 = close[:, t] / close[:, t - 20] - 1.0
        for group in peers:
            np.testing.assert_allclose(
                found["return_5_sector_neutral"][group, t],
                return_5[group] - return_5[group].mean(),
                atol=1e-15,
            )
            np.testing.assert_allclose(
                found["sector_return_20"][group, t], return_20[group].mean(), rtol=1e-12
            )


def test_a_symbol_without_a_sector_has_no_neutral_features() -> None:
    close = _path(np.random.default_rng(2).normal(0, 0.02, (4, 300)))
    sector = np.array([[0.0], [0.0], [0.0], [np.nan]]).repeat(300, axis=1)
    panel = Panel(SYMBOLS, _sessions(300), {"close": close}, context={"reference.sector": sector})

    found = feature_set("sector_neutral").compute(panel)["return_5_sector_neutral"][:, -1]

    assert np.isnan(found).tolist() == [False, False, False, True]


def _market_panel(n: int = 600, begins: int = 0) -> tuple[Panel, np.ndarray]:
    rng = np.random.default_rng(3)
    market = rng.normal(0, 0.01, n)
    styles = {name: rng.normal(0, 0.004, n) for name in STYLES}
    betas = np.array([0.5, 1.0, 1.5, -0.3])
    daily = betas[:, None] * market + 0.7 * styles["value"] + 0.0001
    around = {MARKET: _path(market)[None]}
    for name, series in STYLES.items():
        fund = _path(market + styles[name])[None]
        fund[0, :begins] = np.nan
        around[series] = fund
    return Panel(SYMBOLS, _sessions(n), {"close": _path(daily)}, context=around), betas


def test_betas_against_the_index_equal_the_regression_done_by_numpy() -> None:
    panel, betas = _market_panel()
    found = feature_set("factor_betas").compute(panel)

    market = np.diff(panel.context[MARKET][0]) / panel.context[MARKET][0, :-1]
    daily = np.diff(panel["close"]) / panel["close"][:, :-1]
    window = slice(-250, None)
    slopes = [np.polyfit(market[window], row[window], 1)[0] for row in daily]
    np.testing.assert_allclose(found["market_beta_250"][:, -1], slopes, rtol=1e-9)
    np.testing.assert_allclose(found["market_beta_250"][:, -1], betas, atol=0.15)
    fell = market[window] < 0
    down = [np.polyfit(market[window][fell], row[window][fell], 1)[0] for row in daily]
    np.testing.assert_allclose(found["downside_beta_250"][:, -1], down, rtol=1e-9)
    # With an alpha of a basis point a day, what is left of the mean.
    alpha = daily[:, window].mean(axis=1) - np.array(slopes) * market[window].mean()
    np.testing.assert_allclose(found["alpha_250"][:, -1], alpha, rtol=1e-6, atol=1e-12)


def test_a_beta_waits_for_its_series_to_reach_back_over_the_window() -> None:
    panel, _ = _market_panel(begins=500)

    found = feature_set("factor_betas").compute(panel)

    assert np.isfinite(found["market_beta_250"][:, -1]).all()
    assert np.isfinite(found["value_beta_60"][:, -1]).all()
    assert np.isnan(found["value_beta_250"][:, -1]).all()  # A hundred sessions of 250.
    ready = np.flatnonzero(np.isfinite(found["value_beta_60"][0]))[0]
    assert ready == 500 + 55  # A return takes two closes, and 55 of 60 are nine tenths and more.


def test_a_session_in_which_only_the_index_trades_has_no_features() -> None:
    panel, _ = _market_panel()
    panel["close"][1, -1] = np.nan

    found = feature_set("factor_betas").compute(panel)

    assert np.isnan(found.values[:, 1, -1]).all()


def test_what_the_panel_lacks_is_named() -> None:
    panel = Panel(SYMBOLS, _sessions(30), {"close": np.ones((4, 30))})
    with pytest.raises(MissingDataError, match=r"factor_betas@1 reads series\.factor_etfs\.MTUM"):
        feature_set("factor_betas").compute(panel)
    with pytest.raises(InvalidInputError, match=r"context x has shape \(2, 30\)"):
        Panel(SYMBOLS, _sessions(30), {}, context={"x": np.ones((2, 30))})
