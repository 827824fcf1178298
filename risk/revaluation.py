"""Full revaluation of a multi-asset, multi-currency book: every position in every scenario.

Linear instruments move with their price, bonds with their currency's curve, options with their
underlying, their volatility and their curve; all are turned into the base currency at the
scenario's own exchange rate. A position that cannot be priced is left out by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError, QuantDeskError
from basics.instruments import ExerciseStyle, Instrument, InstrumentKind, OptionRight
from market.multi_asset import DAYS_A_YEAR, MarketMoves, MarketSnapshot
from measures.bonds import ZeroCurve, bond_prices, coupon_cash_flows
from measures.options import OptionTerms, option_greeks, option_prices, option_scenarios
from risk.profile import LeftOut


@dataclass(frozen=True, slots=True)
class HeldInstrument:
    """A signed quantity of an instrument."""

    instrument: Instrument
    quantity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Revaluation:
    """The book today and in every scenario, in the base currency.

    Attributes
    ----------
    symbols : tuple of str
        The positions that could be priced.
    values : ndarray of shape (n_positions,)
    pnl : ndarray of shape (n_positions, n_scenarios)
    """

    symbols: tuple[str, ...]
    values: FloatArray
    pnl: FloatArray
    left_out: tuple[LeftOut, ...]


def revalue_book(
    held: Sequence[HeldInstrument], snapshot: MarketSnapshot, moves: MarketMoves
) -> Revaluation:
    """Price every position today and in every scenario."""
    symbols: list[str] = []
    values: list[float] = []
    rows: list[FloatArray] = []
    left_out: list[LeftOut] = []
    for position in held:
        try:
            today, scenarios = _unit_values(position.instrument, snapshot, moves)
            size = position.quantity * float(position.instrument.multiplier)
            if not np.isfinite(size):
                raise InvalidInputError(f"quantity must be finite, got {position.quantity}")
        except QuantDeskError as error:
            symbol = position.instrument.symbol
            left_out.append(LeftOut(symbol=symbol, market_value=0.0, reason=str(error)))
            continue
        symbols.append(position.instrument.symbol)
        # A future's position is worth nothing when marked; its P&L is the move of its notional.
        is_future = position.instrument.kind is InstrumentKind.FUTURE
        values.append(0.0 if is_future else size * today)
        rows.append(size * (scenarios - today))
    pnl = np.stack(rows) if rows else np.zeros((0, moves.n_scenarios))
    return Revaluation(
        symbols=tuple(symbols), values=np.array(values), pnl=pnl, left_out=tuple(left_out)
    )


def delta_gamma_vega_pnl(
    position: HeldInstrument, snapshot: MarketSnapshot, moves: MarketMoves
) -> FloatArray:
    """Return the P&L of an option from its greeks today, of shape (n_scenarios,), base currency.

    delta dS + gamma dS^2 / 2 + vega dsigma, at today's exchange rate: quick, and wrong where
    moves are large; `revalue_book` is the measure it is held against.
    """
    instrument = position.instrument
    terms = _option_terms(instrument, snapshot)
    greeks = option_greeks(terms)
    change = terms.spot[0] * _move(moves.prices, _underlying(instrument), moves.n_scenarios)
    level = terms.volatility[0] * _volatility_move(instrument, moves)
    unit = greeks.delta[0] * change + 0.5 * greeks.gamma[0] * change**2 + greeks.vega[0] * level
    size = position.quantity * float(instrument.multiplier)
    pnl: FloatArray = size * unit * _fx(instrument.currency, snapshot)
    return pnl


def _unit_values(
    instrument: Instrument, snapshot: MarketSnapshot, moves: MarketMoves
) -> tuple[float, FloatArray]:
    """Return the value of one unit in the base currency, today and in each scenario."""
    if instrument.kind is InstrumentKind.BOND:
        today, local = _bond(instrument, snapshot, moves)
    elif instrument.kind is InstrumentKind.OPTION:
        today, local = _option(instrument, snapshot, moves)
    else:
        today = _price(instrument.symbol, snapshot)
        local = today * (1.0 + _move(moves.prices, instrument.symbol, moves.n_scenarios))
    rate = _fx(instrument.currency, snapshot)
    if instrument.currency == snapshot.base_currency:
        return today, local
    rates = rate * (1.0 + _move(moves.fx, instrument.currency, moves.n_scenarios))
    return today * rate, local * rates


def _bond(
    instrument: Instrument, snapshot: MarketSnapshot, moves: MarketMoves
) -> tuple[float, FloatArray]:
    terms = instrument.bond
    if terms is None:
        raise InvalidInputError("it is a bond without terms")
    flows = coupon_cash_flows(
        (terms.maturity - snapshot.as_of).days / DAYS_A_YEAR,
        coupon_rate=float(terms.coupon_rate),
        coupons_per_year=terms.coupons_per_year,
        face=float(terms.face),
    )
    curve = _curve(instrument.currency, snapshot)
    shifts = moves.curves.get(instrument.currency)
    if shifts is None:
        price = float(bond_prices(flows, curve))
        return price, np.full(moves.n_scenarios, price)
    shifted = ZeroCurve(curve.years, curve.rates[:, None] + shifts)
    return float(bond_prices(flows, curve)), bond_prices(flows, shifted)


def _option(
    instrument: Instrument, snapshot: MarketSnapshot, moves: MarketMoves
) -> tuple[float, FloatArray]:
    terms = _option_terms(instrument, snapshot)
    spot_ratio = 1.0 + _move(moves.prices, _underlying(instrument), moves.n_scenarios)
    volatility_ratio = np.maximum(1.0 + _volatility_move(instrument, moves), 0.0)
    prices = option_scenarios(
        terms,
        spot_ratio=np.maximum(spot_ratio, 1e-9)[None, :],
        volatility_ratio=volatility_ratio[None, :],
    )
    return float(option_prices(terms)[0]), prices[0]


def _option_terms(instrument: Instrument, snapshot: MarketSnapshot) -> OptionTerms:
    option = instrument.option
    if option is None:
        raise InvalidInputError("it is an option without terms")
    years = (option.expiry - snapshot.as_of).days / DAYS_A_YEAR
    if years < 0:
        raise InvalidInputError(f"it expired on {option.expiry}: book its settlement")
    if instrument.symbol not in snapshot.volatilities:
        raise MissingDataError("it has no volatility: add one to the snapshot")
    curve = _curve(instrument.currency, snapshot)
    rate = float(curve.weights(np.array([years]))[0] @ curve.rates)
    return OptionTerms(
        spot=np.array([_price(option.underlying, snapshot)]),
        strike=np.array([float(option.strike)]),
        years=np.array([years]),
        volatility=np.array([snapshot.volatilities[instrument.symbol]]),
        rate=np.array([rate]),
        dividend=np.array([snapshot.dividends.get(option.underlying, 0.0)]),
        is_call=np.array([option.right is OptionRight.CALL]),
        is_american=np.array([option.style is ExerciseStyle.AMERICAN]),
    )


def _underlying(instrument: Instrument) -> str:
    return "" if instrument.option is None else instrument.option.underlying


def _volatility_move(instrument: Instrument, moves: MarketMoves) -> FloatArray:
    own = instrument.symbol in moves.volatilities
    name = instrument.symbol if own else _underlying(instrument)
    return _move(moves.volatilities, name, moves.n_scenarios)


def _move(moves: Mapping[str, FloatArray], name: str, n_scenarios: int) -> FloatArray:
    return moves.get(name, np.zeros(n_scenarios))


def _price(symbol: str, snapshot: MarketSnapshot) -> float:
    price = snapshot.prices.get(symbol)
    if price is None or not np.isfinite(price):
        raise MissingDataError(f"{symbol} has no price on {snapshot.as_of}")
    return price


def _fx(currency: str, snapshot: MarketSnapshot) -> float:
    if currency == snapshot.base_currency:
        return 1.0
    rate = snapshot.fx.get(currency)
    if rate is None or not rate > 0:
        raise MissingDataError(
            f"no exchange rate of {currency} to {snapshot.base_currency} is known"
        )
    return rate


def _curve(currency: str, snapshot: MarketSnapshot) -> ZeroCurve:
    if currency not in snapshot.curves:
        raise MissingDataError(f"no {currency} curve is known")
    return snapshot.curves[currency]
