"""Tests of `risk.revaluation` on the simulated multi-asset market."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from basics.instruments import ExerciseStyle, InstrumentKind
from market.multi_asset import MarketMoves
from measures.bonds import bond_measures, coupon_cash_flows
from measures.options import AmericanFormula
from measures.tail import tail_risk
from risk.decomposition import shortfall_components
from risk.revaluation import HeldInstrument, delta_gamma_vega_pnl, revalue_book
from tests.small_multi_asset import small_multi_asset_market

DAY = date(2022, 12, 28)
MARKET = small_multi_asset_market(np.random.default_rng(1), as_of=DAY, n_days=400)
HELD = tuple(HeldInstrument(i, MARKET.quantities[i.symbol]) for i in MARKET.instruments)
BY_SYMBOL = {h.instrument.symbol: h for h in HELD}


def pnl_of(symbol: str, moves: MarketMoves) -> np.ndarray:
    return revalue_book([BY_SYMBOL[symbol]], MARKET.snapshot, moves).pnl[0]


def test_every_kind_of_instrument_is_priced() -> None:
    book = revalue_book(HELD, MARKET.snapshot, MARKET.history)

    assert book.left_out == ()
    assert {i.kind for i in MARKET.instruments} == set(InstrumentKind) - {InstrumentKind.INDEX}
    assert book.pnl.shape == (10, 400)
    assert np.isfinite(book.pnl).all()
    parts = shortfall_components(book.pnl, confidence=0.975)
    total = tail_risk(book.pnl.sum(axis=0), confidence=0.975)
    assert parts.sum() == pytest.approx(total.expected_shortfall)


def test_equity_in_another_currency_moves_with_price_and_rate() -> None:
    moves = MarketMoves(
        n_scenarios=1, prices={"SIM-EUR-EQ": np.array([0.1])}, fx={"EUR": np.array([-0.05])}
    )
    # 1000 shares at 60 EUR at 1.1.
    assert pnl_of("SIM-EUR-EQ", moves) == pytest.approx([66_000 * (1.1 * 0.95 - 1)])


def test_future_has_no_value_but_its_notional_moves() -> None:
    moves = MarketMoves(n_scenarios=1, prices={"SIM-FUT": np.array([0.01])})
    book = revalue_book([BY_SYMBOL["SIM-FUT"]], MARKET.snapshot, moves)
    assert book.values.tolist() == [0.0]
    assert book.pnl[0] == pytest.approx([-5 * 50 * 40.0])


def test_bond_moves_by_duration_and_convexity() -> None:
    curve = MARKET.snapshot.curves["USD"]
    moves = MarketMoves(n_scenarios=1, curves={"USD": np.full((6, 1), 0.01)})
    terms = BY_SYMBOL["SIM-BOND"].instrument.bond
    flows = coupon_cash_flows(
        (terms.maturity - DAY).days / 365, coupon_rate=0.04, coupons_per_year=2
    )
    measures = bond_measures(flows, curve)
    change = -measures.duration * 0.01 + 0.5 * measures.convexity * 0.01**2
    assert pnl_of("SIM-BOND", moves) == pytest.approx([2000 * measures.price * change], rel=2e-3)


def test_small_moves_of_an_option_follow_its_greeks_and_large_ones_do_not() -> None:
    small = MarketMoves(
        n_scenarios=1,
        prices={"SIM-EQ": np.array([0.005])},
        volatilities={"SIM-EQ": np.array([0.01])},
    )
    large = MarketMoves(n_scenarios=1, prices={"SIM-EQ": np.array([-0.4])})
    for symbol in ("SIM-CALL", "SIM-PUT"):
        full = pnl_of(symbol, small)[0]
        quick = delta_gamma_vega_pnl(BY_SYMBOL[symbol], MARKET.snapshot, small)[0]
        assert quick == pytest.approx(full, rel=0.02)
    full = pnl_of("SIM-CALL", large)[0]
    quick = delta_gamma_vega_pnl(BY_SYMBOL["SIM-CALL"], MARKET.snapshot, large)[0]
    assert abs(quick - full) > 0.5 * abs(full)


def test_options_priced_together_under_moving_curves_equal_each_alone() -> None:
    options = [h for h in HELD if h.instrument.kind is InstrumentKind.OPTION]
    american = [
        HeldInstrument(
            replace(
                h.instrument,
                symbol=f"{h.instrument.symbol}-{strike}",
                option=replace(h.instrument.option, strike=Decimal(strike), style=style),
            ),
            1.0,
        )
        for h in options
        for strike in range(60, 140, 4)
        for style in ExerciseStyle
    ]
    names = {h.instrument.symbol: 0.25 for h in american}
    snapshot = replace(MARKET.snapshot, volatilities={**MARKET.snapshot.volatilities, **names})

    together = revalue_book(american, snapshot, MARKET.history)

    for row, position in enumerate(american):
        alone = revalue_book([position], snapshot, MARKET.history)
        assert together.pnl[row] == pytest.approx(alone.pnl[0], abs=1e-5)
        assert together.values[row] == alone.values[0]


def test_the_formula_of_american_options_is_that_of_the_snapshot() -> None:
    put = BY_SYMBOL["SIM-PUT"]
    american = HeldInstrument(
        replace(
            put.instrument, option=replace(put.instrument.option, style=ExerciseStyle.AMERICAN)
        ),
        1.0,
    )
    values = [
        revalue_book([american], replace(MARKET.snapshot, american=formula), MARKET.history).values[
            0
        ]
        for formula in AmericanFormula
    ]
    assert values[0] > values[1]  # Two boundaries are a better exercise rule than one.


def test_an_option_with_a_missing_move_is_left_out_and_the_others_are_priced() -> None:
    gaps = MARKET.history.volatilities["SIM-EQ"].copy()
    gaps[7] = np.nan
    moves = replace(MARKET.history, volatilities={**MARKET.history.volatilities, "SIM-CALL": gaps})
    book = revalue_book([BY_SYMBOL["SIM-CALL"], BY_SYMBOL["SIM-PUT"]], MARKET.snapshot, moves)
    assert book.symbols == ("SIM-PUT",)
    assert book.left_out[0].reason == "it has no value in 1 of 400 scenarios: a move is missing"


def test_bad_instruments_are_left_out_and_the_rest_stands() -> None:
    put = BY_SYMBOL["SIM-PUT"].instrument
    late = replace(put, symbol="LATE", option=replace(put.option, expiry=DAY - timedelta(days=1)))
    bad = [
        HeldInstrument(late, 1.0),
        HeldInstrument(replace(put, symbol="NOVOL"), 1.0),
        HeldInstrument(replace(MARKET.instruments[0], symbol="NOPRICE"), 1.0),
        HeldInstrument(replace(MARKET.instruments[0], currency="XXX"), 1.0),
        HeldInstrument(MARKET.instruments[1], float("nan")),
    ]

    book = revalue_book([*bad, BY_SYMBOL["SIM-ETF"]], MARKET.snapshot, MARKET.history)

    reasons = [row.reason for row in book.left_out]
    assert reasons == [
        "it expired on 2022-12-27: book its settlement",
        "it has no volatility: add one to the snapshot",
        "NOPRICE has no price on 2022-12-28",
        "no exchange rate of XXX to USD is known",
        "quantity must be finite, got nan",
    ]
    assert book.symbols == ("SIM-ETF",)
    assert book.values == pytest.approx([120_000.0])


def test_empty_book_has_no_pnl() -> None:
    assert revalue_book([], MARKET.snapshot, MARKET.history).pnl.shape == (0, 400)
