"""Greeks, DV01, currencies and shocks of a multi-asset book: by hand and against revaluation."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from basics.errors import InvalidInputError
from basics.instruments import Instrument, InstrumentKind
from market.multi_asset import MarketMoves
from risk.market_draws import joint_t_moves, shock_moves
from risk.revaluation import HeldInstrument, revalue_book
from risk.sensitivities import bond_risk, exposures_of, instrument_risk, option_risk
from risk.shocks import Shock
from tests.small_multi_asset import small_multi_asset_market

MARKET = small_multi_asset_market(
    np.random.default_rng(1), as_of=date(2022, 12, 28), n_days=400
)  # fmt: skip
HELD = {i.symbol: HeldInstrument(i, MARKET.quantities[i.symbol]) for i in MARKET.instruments}
PAIRS = {"SIM-EURUSD": "EUR"}


def change(symbol: str, moves: MarketMoves) -> float:
    return float(revalue_book([HELD[symbol]], MARKET.snapshot, moves).pnl[0, 0])


@pytest.mark.parametrize("symbol", ["SIM-CALL", "SIM-PUT"])
def test_greeks_of_the_position_are_what_small_moves_cost(symbol: str) -> None:
    found = option_risk(HELD[symbol], MARKET.snapshot)
    spot = MARKET.snapshot.prices["SIM-EQ"]

    up = change(symbol, MarketMoves(n_scenarios=1, prices={"SIM-EQ": np.array([1e-4])}))
    assert up == pytest.approx(found.delta * spot * 1e-4, rel=2e-3)
    assert found.delta_value == pytest.approx(found.delta * spot)
    wilder = MarketMoves(n_scenarios=1, volatilities={"SIM-EQ": np.array([1e-3])})
    points = found.volatility * 1e-3 / 0.01
    assert change(symbol, wilder) == pytest.approx(found.vega * points, rel=2e-3)
    dearer = MarketMoves(n_scenarios=1, curves={"USD": np.full((6, 1), 1e-4)})
    assert change(symbol, dearer) == pytest.approx(found.rho, rel=5e-3)


def test_key_rates_sum_to_the_dv01_of_a_parallel_shift_and_each_moves_alone() -> None:
    for symbol, currency in (("SIM-BOND", "USD"), ("SIM-EUR-BOND", "EUR")):
        found = bond_risk(HELD[symbol], MARKET.snapshot)
        parallel = MarketMoves(n_scenarios=1, curves={currency: np.full((6, 1), 1e-6)})
        assert change(symbol, parallel) == pytest.approx(-found.dv01 / 100, rel=1e-4)
        assert sum(found.key_rate_dv01) == pytest.approx(found.dv01)
        for node, value in enumerate(found.key_rate_dv01):
            bump = np.zeros((6, 1))
            bump[node] = 1e-6
            alone = change(symbol, MarketMoves(n_scenarios=1, curves={currency: bump}))
            assert alone == pytest.approx(-value / 100, rel=1e-3, abs=1e-9)


def test_exposures_are_deltas_and_values_stand_by_currency() -> None:
    book = revalue_book(list(HELD.values()), MARKET.snapshot, MARKET.history)
    sizes = dict(zip(book.symbols, exposures_of(HELD, MARKET.snapshot, book), strict=True))
    found = instrument_risk(HELD, MARKET.snapshot, MARKET.history, book, confidences=(0.95, 0.99))

    assert sizes["SIM-EUR-EQ"] == pytest.approx(1_000 * 60 * 1.1)
    assert sizes["SIM-FUT"] == pytest.approx(-5 * 50 * 4_000)
    assert sizes["SIM-CALL"] == found.options[0].delta_value
    net = {row.currency: row.net_value for row in found.currencies}
    assert sum(net.values()) == pytest.approx(book.values.sum())
    assert net["EUR"] == pytest.approx(66_000 + found.bonds[1].value)
    whole = next(a for a in found.approximations if (a.of, a.confidence) == ("book", 0.99))
    assert whole.greeks_var == pytest.approx(whole.revalued_var, rel=0.05)


def test_a_future_in_another_currency_exchanges_its_gain_alone() -> None:
    future = Instrument(
        symbol="FUT-EU", kind=InstrumentKind.FUTURE, currency="EUR", multiplier=10
    )  # fmt: skip
    snapshot = replace(MARKET.snapshot, prices={"FUT-EU": 100.0})
    moves = MarketMoves(
        n_scenarios=2,
        prices={"FUT-EU": np.array([0.0, 0.1])},
        fx={"EUR": np.array([-0.2, -0.2])},
    )
    book = revalue_book([HeldInstrument(future, 3.0)], snapshot, moves)

    # Nothing where its price stands still; 3 x 10 x 10 euros at 0.88 where it rises.
    assert book.pnl[0] == pytest.approx([0.0, 300 * 0.88])


def test_a_shock_moves_prices_by_beta_and_everything_else_as_it_says() -> None:
    market = MARKET.history.prices["SIM-ETF"]
    shock = Shock(
        market_return=-0.2,
        rate_change=0.01,
        volatility_multiple=2.0,
        currency_returns={"*": -0.1},
        symbol_returns={"SIM-COIN": -0.3},
    )
    moves = shock_moves(shock, MARKET.snapshot, MARKET.history, market=market, pairs=PAIRS)

    assert moves.prices["SIM-ETF"][0] == pytest.approx(-0.2)
    assert moves.prices["SIM-EURUSD"][0] == moves.fx["EUR"][0] == pytest.approx(-0.1)
    assert moves.prices["SIM-COIN"][0] < -0.3
    assert moves.curves["EUR"].tolist() == [[0.01]] * 6
    assert moves.volatilities["SIM-EQ"][0] == pytest.approx(1.0)


def test_joint_draws_keep_the_covariance_of_the_history() -> None:
    drawn = joint_t_moves(MARKET.history, n_scenarios=40_000, rng=np.random.default_rng(2))

    for name in ("SIM-EQ", "SIM-EUR-EQ"):
        spread = MARKET.history.prices[name].std(ddof=1)
        assert drawn.prices[name].std() == pytest.approx(spread, rel=0.05)
    together = np.corrcoef(drawn.prices["SIM-EQ"], drawn.volatilities["SIM-EQ"])[0, 1]
    before = np.corrcoef(MARKET.history.prices["SIM-EQ"], MARKET.history.volatilities["SIM-EQ"])
    assert together == pytest.approx(before[0, 1], abs=0.05)
    assert drawn.curves["USD"].shape == (6, 40_000)


def test_a_currency_cannot_fall_to_nothing() -> None:
    with pytest.raises(InvalidInputError, match="EUR must not fall to nothing, got -1"):
        Shock(currency_returns={"EUR": -1.0})
