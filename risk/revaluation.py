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
from measures.bonds import CashFlows, ZeroCurve, bond_prices, coupon_cash_flows
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
    held: Sequence[HeldInstrument],
    snapshot: MarketSnapshot,
    moves: MarketMoves,
    *,
    known_moves: bool = False,
) -> Revaluation:
    """Price every position today and in every scenario.

    Parameters
    ----------
    known_moves : bool
        Leave out a position whose price, curve, volatility or exchange rate has no moves; else
        what has none stands still, which hides the risk of a history.
    """
    symbols: list[str] = []
    values: list[float] = []
    rows: list[FloatArray] = []
    left_out: list[LeftOut] = []
    for position in held:
        try:
            if known_moves:
                _require_moves(position.instrument, snapshot, moves)
            size = _size(position)
            today, scenarios = _unit_values(position.instrument, snapshot, moves)
            _require_finite(scenarios)
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
    terms = option_terms(instrument, snapshot)
    greeks = option_greeks(terms)
    change = terms.spot[0] * _move(moves.prices, _underlying(instrument), moves.n_scenarios)
    level = terms.volatility[0] * _volatility_move(instrument, moves)
    unit = greeks.delta[0] * change + 0.5 * greeks.gamma[0] * change**2 + greeks.vega[0] * level
    size = position.quantity * float(instrument.multiplier)
    pnl: FloatArray = size * unit * _fx(instrument.currency, snapshot)
    return pnl


def _size(position: HeldInstrument) -> float:
    size = position.quantity * float(position.instrument.multiplier)
    if not np.isfinite(size):
        raise InvalidInputError(f"quantity must be finite, got {position.quantity}")
    if size == 0:
        raise InvalidInputError("its quantity is 0: nothing is held of it")
    return size


def _require_moves(instrument: Instrument, snapshot: MarketSnapshot, moves: MarketMoves) -> None:
    """Refuse an instrument of which the scenarios know no move."""
    currency = instrument.currency
    names: list[tuple[str, Mapping[str, FloatArray]]] = []
    if instrument.kind is InstrumentKind.BOND:
        names.append((currency, moves.curves))
    elif instrument.option is not None:
        names.append((instrument.option.underlying, moves.prices))
    else:
        names.append((instrument.symbol, moves.prices))
    if currency != snapshot.base_currency and currency in snapshot.fx:
        names.append((currency, moves.fx))
    for name, known in names:
        if name not in known:
            raise MissingDataError(f"no history of {name} is known: load it")


def _require_finite(scenarios: FloatArray) -> None:
    missing = int((~np.isfinite(scenarios)).sum())
    if missing:
        raise MissingDataError(
            f"it has no value in {missing} of {len(scenarios)} scenarios: a move is missing"
        )


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
        if today <= 0 and instrument.kind is not InstrumentKind.FUTURE:
            raise InvalidInputError(f"a price of {today} is not positive")
        local = today * (1.0 + _move(moves.prices, instrument.symbol, moves.n_scenarios))
    rate = _fx(instrument.currency, snapshot)
    if instrument.currency == snapshot.base_currency:
        return today, local
    rates = rate * (1.0 + _move(moves.fx, instrument.currency, moves.n_scenarios))
    if instrument.kind is InstrumentKind.FUTURE:
        # Its notional is not held: only what it gains is exchanged, at the scenario's rate.
        return today * rate, today * rate + (local - today) * rates
    return today * rate, local * rates


def _bond(
    instrument: Instrument, snapshot: MarketSnapshot, moves: MarketMoves
) -> tuple[float, FloatArray]:
    flows, curve = bond_flows(instrument, snapshot), _curve(instrument.currency, snapshot)
    shifts = moves.curves.get(instrument.currency)
    if shifts is None:
        price = float(bond_prices(flows, curve))
        return price, np.full(moves.n_scenarios, price)
    shifted = ZeroCurve(curve.years, curve.rates[:, None] + shifts)
    return float(bond_prices(flows, curve)), bond_prices(flows, shifted)


def bond_flows(instrument: Instrument, snapshot: MarketSnapshot) -> CashFlows:
    """Return what a bond still pays.

    Raises
    ------
    InvalidInputError
        If it has matured.
    """
    terms = instrument.bond
    if terms is None:
        raise InvalidInputError("it is a bond without terms")
    return coupon_cash_flows(
        (terms.maturity - snapshot.as_of).days / DAYS_A_YEAR,
        coupon_rate=float(terms.coupon_rate),
        coupons_per_year=terms.coupons_per_year,
        face=float(terms.face),
    )


def _option(
    instrument: Instrument, snapshot: MarketSnapshot, moves: MarketMoves
) -> tuple[float, FloatArray]:
    terms = option_terms(instrument, snapshot)
    spot_ratio = 1.0 + _move(moves.prices, _underlying(instrument), moves.n_scenarios)
    spot_ratio = np.maximum(spot_ratio, 1e-9)
    volatility_ratio = np.maximum(1.0 + _volatility_move(instrument, moves), 0.0)
    today = float(option_prices(terms)[0])
    shifts = moves.curves.get(instrument.currency)
    if shifts is None:
        prices = option_scenarios(
            terms, spot_ratio=spot_ratio[None, :], volatility_ratio=volatility_ratio[None, :]
        )
        return today, prices[0]
    # Each scenario has a rate of its own: an option a scenario.
    weights = _curve(instrument.currency, snapshot).weights(terms.years)[0]
    n = moves.n_scenarios
    moved = OptionTerms(
        spot=terms.spot[0] * spot_ratio,
        strike=np.repeat(terms.strike, n),
        years=np.repeat(terms.years, n),
        volatility=terms.volatility[0] * volatility_ratio,
        rate=terms.rate[0] + weights @ shifts,
        dividend=np.repeat(terms.dividend, n),
        is_call=np.repeat(terms.is_call, n),
        is_american=np.repeat(terms.is_american, n),
    )
    return today, option_prices(moved)


def option_terms(instrument: Instrument, snapshot: MarketSnapshot) -> OptionTerms:
    """Return one option and what it is priced on.

    Raises
    ------
    InvalidInputError
        If it has expired.
    MissingDataError
        If its underlying has no price, it no volatility, or its currency no curve.
    """
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
