"""A multi-asset market SIMULATED from a seed: prices, exchange rates, curves, one volatility.

No package ships options, curves and currencies with a licence to redistribute, so a portfolio of
every kind of instrument is shown on this market. Nothing in it was observed, it is no evidence
of anything, and it is labelled so wherever it shows. It trades in the sessions that it is given;
one row of draws belongs to one session, so that more sessions leave the earlier ones as they were.

The process: one common factor with GARCH(1,1) volatility and Student t shocks of five degrees, a
residual for each price; zero curves move in level and slope and revert; volatility reverts in
logarithms and rises when the market falls.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import MissingDataError
from basics.instruments import ExerciseStyle, Instrument, InstrumentKind, OptionRight
from market.actions import CorporateAction
from market.multi_asset import DAYS_A_YEAR, MarketMoves, MarketSnapshot
from market.panel import Panel
from market.simulated import asset_terms as terms
from measures.bonds import ZeroCurve, bond_prices, coupon_cash_flows
from measures.options import OptionTerms, option_prices

CURVE_YEARS = np.array([0.25, 1.0, 2.0, 5.0, 10.0, 30.0])
CURRENCIES = ("EUR", "JPY", "USD")
BASE = "USD"
LABEL = "simulated"
DIVIDEND_YIELD = 0.012  # Of the options' underlying, a year.
SKEW = {OptionRight.CALL: 0.96, OptionRight.PUT: 1.08}

_COLUMNS = (
    "common", "us", "eu", "jp", "short", "coin", "eurusd", "jpyusd", "volatility",
    "level_EUR", "slope_EUR", "level_JPY", "slope_JPY", "level_USD", "slope_USD",
)  # fmt: skip
_DEGREES = 5.0
_DAILY, _ARCH, _GARCH = 0.009, 0.08, 0.90
_START = {
    "SIM-EQ-US": 110.0, "SIM-EQ-SHORT": 60.0, "SIM-EQ-EU": 90.0, "SIM-EQ-JP": 2_400.0,
    "SIM-ETF-US": 80.0, "SIM-COIN": 14_000.0,
}  # fmt: skip
_RATES = {"EUR": 1.12, "JPY": 0.0092}
_SHORT_RATE = {"EUR": 0.015, "JPY": 0.002, "USD": 0.025}
_INDEX = 3_600.0
# Months of the ex-dates, and the dividend as a share of the close before.
_DIVIDENDS = {
    "SIM-EQ-US": ((3, 6, 9, 12), 0.003),
    "SIM-EQ-SHORT": ((2, 5, 8, 11), 0.002),
    "SIM-ETF-US": ((3, 6, 9, 12), 0.0035),
    "SIM-EQ-EU": ((5,), 0.025),
    "SIM-EQ-JP": ((4, 10), 0.009),
}
_SPLIT = ("SIM-EQ-EU", 7, 2.0)  # Two for one in the first July that is traded.


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedAssets:
    """The market, session by session; nothing here was observed.

    Attributes
    ----------
    instruments : mapping of symbol to Instrument
        Every contract that was listed.
    closes : Panel
        As traded, in each instrument's currency; NaN before listing and after settlement.
    rates : Panel
        Dollars for one unit of each other currency.
    indices : Panel
        A stock index for each currency, dividends reinvested, in that currency.
    returns : mapping of symbol to ndarray of shape (n_sessions,)
        Total simple returns of what is priced by a close of its own, futures included.
    curves : mapping of currency to ndarray of shape (n_nodes, n_sessions)
        Zero rates at `CURVE_YEARS`.
    volatility : ndarray of shape (n_sessions,)
        Yearly, of the options' underlying.
    actions : tuple of CorporateAction
        Dividends and splits in the order of their ex-dates.
    """

    sessions: DateArray
    first_traded: date
    instruments: Mapping[str, Instrument]
    quarters: tuple[terms.Quarter, ...]
    closes: Panel
    rates: Panel
    indices: Panel
    returns: Mapping[str, FloatArray]
    curves: Mapping[str, FloatArray]
    volatility: FloatArray
    actions: tuple[CorporateAction, ...]
    label: str = LABEL

    def snapshot(self, at: int = -1) -> MarketSnapshot:
        """Return the market at the close of one session."""
        column = self.closes["close"][:, at]
        prices = dict(zip(self.closes.symbols, column.tolist(), strict=True))
        priced = {s: p for s, p in prices.items() if s in self.returns and np.isfinite(p)}
        return MarketSnapshot(
            as_of=self.sessions[at].item(),
            base_currency=BASE,
            prices=priced,
            fx=dict(zip(self.rates.symbols, self.rates["close"][:, at].tolist(), strict=True)),
            curves={c: ZeroCurve(CURVE_YEARS, rates[:, at]) for c, rates in self.curves.items()},
            volatilities={
                s: float(self.volatility[at] * SKEW[i.option.right])
                for s, i in self.instruments.items()
                if i.option is not None
            },
            dividends={terms.UNDERLYING: DIVIDEND_YIELD},
        )

    def moves(self, lookback: int) -> MarketMoves:
        """Return how the market moved in each of the last `lookback` sessions, oldest first."""
        n = min(lookback, len(self.sessions) - 1)
        rates = self.rates["close"]
        return MarketMoves(
            n_scenarios=n,
            prices={symbol: values[-n:] for symbol, values in self.returns.items()},
            fx={
                name: (rates[row, 1:] / rates[row, :-1] - 1.0)[-n:]
                for row, name in enumerate(self.rates.symbols)
            },
            curves={c: np.diff(values, axis=1)[:, -n:] for c, values in self.curves.items()},
            volatilities={
                terms.UNDERLYING: (self.volatility[1:] / self.volatility[:-1] - 1.0)[-n:]
            },
        )


def simulate_assets(
    rng: np.random.Generator, sessions: DateArray, *, first_traded: date
) -> SimulatedAssets:
    """Simulate the market over `sessions`; contracts are listed from `first_traded` on.

    Raises
    ------
    MissingDataError
        If no session stands before and on or after `first_traded`.
    """
    start = int(np.searchsorted(sessions, np.datetime64(first_traded, "D")))
    if not 0 < start < len(sessions):
        raise MissingDataError(
            f"{len(sessions)} sessions do not reach around {first_traded}, the first to trade: "
            "give earlier and later ones"
        )
    draws = rng.standard_t(_DEGREES, size=(len(sessions), len(_COLUMNS)))
    draw = dict(zip(_COLUMNS, (draws / np.sqrt(_DEGREES / (_DEGREES - 2))).T, strict=True))
    common = _garch(draw["common"])
    returns = _returns(common, draw)
    traded, actions = _as_traded(sessions, returns, start)
    rates = {
        "EUR": _grown(_RATES["EUR"], returns["SIM-EURUSD"]),
        "JPY": _grown(_RATES["JPY"], -0.10 * common + 0.0045 * draw["jpyusd"]),
    }
    traded["SIM-EURUSD"] = rates["EUR"].copy()
    curves = {c: _curve(c, draw[f"level_{c}"], draw[f"slope_{c}"]) for c in CURRENCIES}
    volatility = _volatility(common, draw["volatility"])
    quarters = terms.quarters(sessions, first_traded)
    index = _grown(_INDEX, returns["index"])
    contracts = [*terms.linear_instruments(), *terms.bond_instruments(sessions[start].item())]
    for instrument in contracts[-4:]:
        traded[instrument.symbol] = _bond_closes(instrument, sessions, start, curves)
    for quarter in quarters:
        listed = terms.future(quarter)
        contracts.append(listed)
        alive = slice(quarter.listed, None if quarter.settled is None else quarter.settled + 1)
        years = _years(sessions, quarter.expiry)
        short = curves[BASE][0]
        traded[listed.symbol] = _within(alive, index * np.exp(short * years))
        returns[listed.symbol] = returns["index"]
        for option in terms.options(quarter, float(traded[terms.UNDERLYING][quarter.listed])):
            contracts.append(option)
            prices = _option_closes(option, traded[terms.UNDERLYING], years, curves, volatility)
            traded[option.symbol] = _within(alive, prices)
    growth = {"EUR": returns.pop("index_eu"), "JPY": returns.pop("index_jp")}
    growth["USD"] = returns.pop("index")
    indices = {currency: _grown(100.0, changes) for currency, changes in growth.items()}
    return SimulatedAssets(
        sessions=sessions,
        first_traded=sessions[start].item(),
        instruments={i.symbol: i for i in sorted(contracts, key=lambda i: i.symbol)},
        quarters=quarters,
        closes=_panel(sessions, traded),
        rates=_panel(sessions, rates),
        indices=_panel(sessions, indices),
        returns=returns,
        curves=curves,
        volatility=volatility,
        actions=actions,
    )


def _panel(sessions: DateArray, rows: Mapping[str, FloatArray]) -> Panel:
    names = tuple(sorted(rows))
    values = np.stack([rows[name] for name in names])
    return Panel(names, sessions, {"close": values}, frozenset({"close"}))


def _grown(start: float, changes: FloatArray) -> FloatArray:
    factors: FloatArray = np.cumprod(1.0 + changes, dtype=np.float64)
    return start * factors


def _garch(shocks: FloatArray) -> FloatArray:
    """Return GARCH(1,1) returns of unit shocks, starting at the long-run variance."""
    moves = np.empty_like(shocks)
    variance = _DAILY**2
    for i, shock in enumerate(shocks.tolist()):
        moves[i] = variance**0.5 * shock
        variance = (1 - _ARCH - _GARCH) * _DAILY**2 + _ARCH * moves[i] ** 2 + _GARCH * variance
    return np.clip(moves, -0.15, 0.15)


def _returns(common: FloatArray, draw: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    def priced(drift: float, beta: float, own: float, column: str) -> FloatArray:
        return np.clip(drift + beta * common + own * draw[column], -0.4, 0.4)

    return {
        "SIM-EQ-US": priced(3e-4, 1.1, 0.010, "us"),
        "SIM-EQ-SHORT": priced(1e-4, 1.2, 0.012, "short"),
        "SIM-EQ-EU": priced(2e-4, 0.9, 0.009, "eu"),
        "SIM-EQ-JP": priced(2e-4, 0.7, 0.009, "jp"),
        "SIM-ETF-US": priced(2e-4, 1.0, 0.0, "us"),
        "SIM-EURUSD": priced(0.0, 0.15, 0.004, "eurusd"),
        "SIM-COIN": priced(4e-4, 1.5, 0.030, "coin"),
        "index": priced(2e-4, 1.0, 0.001, "us"),
        "index_eu": priced(2e-4, 0.9, 0.004, "eu"),
        "index_jp": priced(2e-4, 0.7, 0.005, "jp"),
    }


def _as_traded(
    sessions: DateArray, returns: Mapping[str, FloatArray], start: int
) -> tuple[dict[str, FloatArray], tuple[CorporateAction, ...]]:
    """Return closes that fall by each dividend on its ex-date and step at a split."""
    traded: dict[str, FloatArray] = {}
    actions: list[CorporateAction] = []
    split_symbol, month, ratio = _SPLIT
    splits = [at for at in terms.first_of_months(sessions, (month,)) if at >= start][:1]
    for symbol, first in _START.items():
        months, share = _DIVIDENDS.get(symbol, ((), 0.0))
        ex_dates = set(terms.first_of_months(sessions, months))
        price, path = first, np.empty(len(sessions))
        for i, change in enumerate(returns[symbol].tolist()):
            paid = round(price * share, 2) if i in ex_dates else 0.0
            price = price * (1.0 + change) - paid
            if symbol == split_symbol and i in splits:
                price /= ratio
                actions.append(_action(symbol, sessions, i, split=ratio))
            if paid:
                actions.append(_action(symbol, sessions, i, dividend=paid))
            path[i] = price
        traded[symbol] = path
    return traded, tuple(sorted(actions, key=lambda a: (a.session, a.symbol)))


def _action(
    symbol: str, sessions: DateArray, at: int, *, split: float = 1.0, dividend: float = 0.0
) -> CorporateAction:
    known = datetime.combine(sessions[at - 1].item(), time(21), tzinfo=UTC)
    return CorporateAction(
        symbol=symbol, session=sessions[at].item(), known_at=known, split=split, dividend=dividend
    )


def _curve(currency: str, level: FloatArray, slope: FloatArray) -> FloatArray:
    """Return zero rates of shape (n_nodes, n_sessions) that revert in level and slope."""
    base = _SHORT_RATE[currency] + 0.012 * (1.0 - np.exp(-CURVE_YEARS / 5.0))
    tilt = np.linspace(-1.0, 1.0, len(CURVE_YEARS))
    shift, twist = _reverting(4.5e-4 * level), _reverting(1.5e-4 * slope)
    rates: FloatArray = base[:, None] + shift + tilt[:, None] * twist
    return rates


def _reverting(shocks: FloatArray, *, pull: float = 0.01) -> FloatArray:
    level, path = 0.0, np.empty_like(shocks)
    for i, shock in enumerate(shocks.tolist()):
        level += shock - pull * level
        path[i] = level
    return path


def _volatility(common: FloatArray, own: FloatArray) -> FloatArray:
    path = 0.22 * np.exp(_reverting(-3.0 * common + 0.02 * own, pull=0.05))
    volatility: FloatArray = np.clip(path, 0.08, 1.2)
    return volatility


def _years(sessions: DateArray, end: date) -> FloatArray:
    days = (np.datetime64(end, "D") - sessions).astype(np.float64)
    return np.maximum(days, 0.0) / DAYS_A_YEAR


def _within(alive: slice, prices: FloatArray) -> FloatArray:
    path = np.full(len(prices), np.nan)
    path[alive] = prices[alive]
    return path


def _bond_closes(
    bond: Instrument, sessions: DateArray, start: int, curves: Mapping[str, FloatArray]
) -> FloatArray:
    """Return dirty prices from the first session traded; face value once it has matured."""
    path = np.full(len(sessions), np.nan)
    if bond.bond is None:
        return path
    rates = curves[bond.currency]
    for i in range(start, len(sessions)):
        left = (bond.bond.maturity - sessions[i].item()).days / DAYS_A_YEAR
        if left <= 0:
            path[i] = float(bond.bond.face)
            break
        flows = coupon_cash_flows(
            left,
            coupon_rate=float(bond.bond.coupon_rate),
            coupons_per_year=bond.bond.coupons_per_year,
            face=float(bond.bond.face),
        )
        path[i] = bond_prices(flows, ZeroCurve(CURVE_YEARS, rates[:, i]))
    return path


def _option_closes(
    option: Instrument,
    spot: FloatArray,
    years: FloatArray,
    curves: Mapping[str, FloatArray],
    volatility: FloatArray,
) -> FloatArray:
    contract = option.option
    if contract is None or option.kind is not InstrumentKind.OPTION:
        return np.full(len(spot), np.nan)
    rates = curves[option.currency]
    weights = ZeroCurve(CURVE_YEARS, rates[:, 0]).weights(years)
    n = len(spot)
    return option_prices(
        OptionTerms(
            spot=spot,
            strike=np.full(n, float(contract.strike)),
            years=years,
            volatility=volatility * SKEW[contract.right],
            rate=np.einsum("ij,ji->i", weights, rates),
            dividend=np.full(n, DIVIDEND_YIELD),
            is_call=np.full(n, contract.right is OptionRight.CALL),
            is_american=np.full(n, contract.style is ExerciseStyle.AMERICAN),
        )
    )
