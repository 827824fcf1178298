"""The simulated multi-asset market: parity, prefixes, listings, corporate actions, refusals."""

from datetime import date

import numpy as np
import pytest

from basics.errors import MissingDataError
from basics.instruments import InstrumentKind, OptionRight
from market.simulated.asset_terms import UNDERLYING, quarters
from market.simulated.multi_asset import SKEW, SimulatedAssets, simulate_assets

FIRST = date(2022, 1, 3)
WEEKDAYS = np.arange("2021-06-01", "2022-10-01", dtype="datetime64[D]")
SESSIONS = WEEKDAYS[np.is_busday(WEEKDAYS)]


def market(until: int = len(SESSIONS), seed: int = 3) -> SimulatedAssets:
    return simulate_assets(np.random.default_rng(seed), SESSIONS[:until], first_traded=FIRST)


MARKET = market()
ROW = {symbol: row for row, symbol in enumerate(MARKET.closes.symbols)}


def close(symbol: str) -> np.ndarray:
    return MARKET.closes["close"][ROW[symbol]]


def test_every_kind_of_instrument_is_listed_in_three_currencies_and_labelled() -> None:
    kinds = {instrument.kind for instrument in MARKET.instruments.values()}

    assert kinds == set(InstrumentKind) - {InstrumentKind.INDEX}
    assert {i.currency for i in MARKET.instruments.values()} == {"USD", "EUR", "JPY"}
    assert MARKET.closes.simulated == MARKET.rates.simulated == {"close"}
    assert MARKET.label == "simulated"


def test_more_sessions_leave_the_earlier_ones_as_they_were() -> None:
    shorter = market(until=250)

    for symbol in shorter.closes.symbols:
        row = shorter.closes.symbols.index(symbol)
        np.testing.assert_array_equal(shorter.closes["close"][row], close(symbol)[:250])
    np.testing.assert_array_equal(shorter.rates["close"], MARKET.rates["close"][:, :250])
    assert all(MARKET.instruments[s] == i for s, i in shorter.instruments.items())
    assert MARKET.actions[: len(shorter.actions)] == shorter.actions


def test_the_same_seed_gives_the_same_market_and_another_another() -> None:
    again, other = market(), market(seed=4)

    assert again.closes["close"].tobytes() == MARKET.closes["close"].tobytes()
    assert other.closes["close"].tobytes() != MARKET.closes["close"].tobytes()


def test_contracts_live_from_listing_to_settlement_on_the_third_friday() -> None:
    first, second, *_, last = quarters(SESSIONS, FIRST)

    assert (first.code, first.expiry) == ("2203", date(2022, 3, 18))
    assert SESSIONS[first.settled].item() == date(2022, 3, 18)
    assert second.listed == first.settled
    assert (last.code, last.settled) == ("2212", None)
    alive = np.flatnonzero(np.isfinite(close("SIM-FUT-2203")))
    assert (alive[0], alive[-1]) == (first.listed, first.settled)


def test_a_future_and_options_settle_at_what_they_are_worth_exercised() -> None:
    settled = quarters(SESSIONS, FIRST)[0].settled
    spot = close(UNDERLYING)[settled]
    for name, sign in (("SIM-CALL-2203", 1), ("SIM-PUT-2203", -1)):
        strike = float(MARKET.instruments[name].option.strike)
        assert close(name)[settled] == pytest.approx(max(sign * (spot - strike), 0.0))


def test_an_exchange_rate_is_an_instrument_too_and_options_share_one_volatility() -> None:
    np.testing.assert_array_equal(close("SIM-EURUSD"), MARKET.rates["close"][0])
    snapshot = MARKET.snapshot(-1)
    assert snapshot.as_of == SESSIONS[-1].item()
    assert snapshot.volatilities["SIM-CALL-2212"] == pytest.approx(
        MARKET.volatility[-1] * SKEW[OptionRight.CALL]
    )
    assert "SIM-FUT-2203" not in snapshot.prices  # It has expired.


def test_a_price_falls_by_its_dividend_and_halves_at_the_split() -> None:
    split = next(action for action in MARKET.actions if action.split != 1.0)
    at = int(np.searchsorted(SESSIONS, np.datetime64(split.session)))
    symbol = split.symbol
    change = MARKET.returns[symbol][at]
    assert close(symbol)[at] == pytest.approx(close(symbol)[at - 1] * (1 + change) / 2.0)
    paid = next(a for a in MARKET.actions if a.symbol == UNDERLYING and a.dividend)
    at = int(np.searchsorted(SESSIONS, np.datetime64(paid.session)))
    grown = close(UNDERLYING)[at - 1] * (1 + MARKET.returns[UNDERLYING][at])
    assert close(UNDERLYING)[at] == pytest.approx(grown - paid.dividend)


def test_moves_are_those_of_the_last_sessions() -> None:
    moves = MARKET.moves(100)

    assert moves.n_scenarios == 100
    rates = MARKET.rates["close"][0]
    assert moves.fx["EUR"][-1] == pytest.approx(rates[-1] / rates[-2] - 1.0)
    assert moves.curves["USD"].shape == (6, 100)
    assert moves.prices["SIM-FUT-2212"].shape == (100,)


def test_sessions_that_do_not_reach_around_the_first_trade_are_refused() -> None:
    with pytest.raises(MissingDataError, match="do not reach around 2022-01-03"):
        market(until=100)
