"""The multi-asset portfolio as a row of the night: equal to its profile, failures as rows."""

from datetime import date

import msgspec
import numpy as np
import pytest

from infra.isolation import PROJECT_ROOT
from infra.policy import load_limits, load_multi_asset_stress, load_stress
from measures.tail import tail_risk
from risk.nightly import NightFailure, NightRow
from risk.revaluation import HeldInstrument
from services.multi_asset_night import multi_asset_night
from services.multi_asset_risk import multi_asset_profile
from services.multi_asset_valuation import SIMULATED, MultiAssetInputs, value_book
from services.nightly_risk import NightPolicy, NightStress
from services.risk_inputs import History
from tests.small_multi_asset import small_multi_asset_market

DAY = date(2022, 12, 28)
MARKET = small_multi_asset_market(np.random.default_rng(1), as_of=DAY, n_days=400)
SESSIONS = np.datetime64(DAY) - np.arange(400)[::-1]
POLICY = PROJECT_ROOT / "policy"
SCENARIOS = (*load_stress(POLICY), *load_multi_asset_stress(POLICY))
NIGHT = NightPolicy(limits=load_limits(POLICY), scenarios=SCENARIOS, as_of=DAY, window=200)


def inputs(*, symbols: tuple[str, ...] | None = None) -> MultiAssetInputs:
    held = [
        HeldInstrument(i, MARKET.quantities[i.symbol])
        for i in MARKET.instruments
        if symbols is None or i.symbol in symbols
    ]
    return MultiAssetInputs(
        scope="multi-asset",
        held={"core": held},
        cash={},
        snapshot=MARKET.snapshot,
        moves=MARKET.history,
        sessions=SESSIONS,
        equity=History(SESSIONS[-3:], np.array([2.0e6, 2.1e6, 2.05e6])),
        benchmark=MARKET.history.prices["SIM-ETF"],
        market=SIMULATED,
    )


def test_the_row_is_that_of_the_book_revalued_in_full() -> None:
    given = inputs()
    night = multi_asset_night(given, NIGHT, lookback=1_000)
    profile = multi_asset_profile(
        given, limits=NIGHT.limits, scenarios=SCENARIOS, lookback=1_000,
        rng=np.random.default_rng(0),
    )  # fmt: skip

    assert isinstance(night.risk, NightRow)
    assert isinstance(night.stress, NightStress)
    pnl = value_book(given, lookback=1_000).revalued.pnl.sum(axis=0)
    by_method = {(m.method, m.confidence): m for m in night.risk.methods}
    value = tail_risk(pnl[-200:], confidence=0.99).value_at_risk
    assert by_method["historical", 0.99].value_at_risk == pytest.approx(value)
    # Every estimator carries its own backtest.
    assert all(m.n_days == 200 and 0 <= m.kupiec_p <= 1 for m in night.risk.methods)
    assert len({m.method for m in night.risk.methods}) == 6
    components = {p.symbol: p.component_var for p in profile.positions}
    assert night.risk.component_var == pytest.approx(components)
    # A reverse stress loses what it is told to: no row is ranked by it.
    expected = tuple(s for s in profile.stresses if s.name != "reverse_10_percent")
    assert night.stress.stresses == expected
    losses = {result.name: result.loss for result in expected}
    assert night.risk.stresses == pytest.approx(losses)


def test_it_is_stored_and_read_like_the_rows_of_other_books() -> None:
    night = multi_asset_night(inputs(), NIGHT, lookback=1_000)
    again = msgspec.convert(msgspec.to_builtins(night.risk), NightRow, strict=False)
    assert again == night.risk


def test_a_book_that_cannot_be_measured_is_a_row_with_its_reasons() -> None:
    empty = multi_asset_night(inputs(symbols=()), NIGHT, lookback=1_000)
    assert empty.risk == empty.stress == NightFailure("multi-asset", "the book is empty")
    short = multi_asset_night(inputs(), NIGHT, lookback=60)
    assert short.risk == NightFailure("multi-asset", "nothing held can be measured")
