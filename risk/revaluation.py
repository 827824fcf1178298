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
from basics.instruments import Instrument, InstrumentKind
from market.multi_asset import DAYS_A_YEAR, MarketMoves, MarketSnapshot
from measures.bonds import CashFlows, ZeroCurve, bond_prices, coupon_cash_flows
from measures.option_greeks import option_greeks
from risk.option_book import OptionValues, option_terms, option_values
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
    at = [row for row, p in enumerate(held) if p.instrument.kind is InstrumentKind.OPTION]
    found = option_values([held[row].instrument for row in at], snapshot, moves)
    options = dict(zip(at, found, strict=True))
    symbols: list[str] = []
    values: list[float] = []
    rows: list[FloatArray] = []
    left_out: list[LeftOut] = []
    for row, position in enumerate(held):
        try:
            if known_moves:
                _require_moves(position.instrument, snapshot, moves)
            size = _size(position)
            today, scenarios = _unit_values(position.instrument, snapshot, moves, options.get(row))
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
    underlying = _underlying(instrument)
    change = terms.spot[0] * moves.price_moves(underlying)
    level = terms.volatility[0] * moves.volatility_moves(instrument.symbol, underlying)
    unit = greeks.delta[0] * change + 0.5 * greeks.gamma[0] * change**2 + greeks.vega[0] * level
    size = position.quantity * float(instrument.multiplier)
    pnl: FloatArray = size * unit * snapshot.rate_of(instrument.currency)
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
    instrument: Instrument,
    snapshot: MarketSnapshot,
    moves: MarketMoves,
    option: OptionValues | QuantDeskError | None,
) -> tuple[float, FloatArray]:
    """Return the value of one unit in the base currency, today and in each scenario."""
    if isinstance(option, QuantDeskError):
        raise option
    if instrument.kind is InstrumentKind.BOND:
        today, local = _bond(instrument, snapshot, moves)
    elif option is not None:
        today, local = option.today, option.scenarios
    else:
        today = snapshot.price_of(instrument.symbol)
        if today <= 0 and instrument.kind is not InstrumentKind.FUTURE:
            raise InvalidInputError(f"a price of {today} is not positive")
        local = today * (1.0 + moves.price_moves(instrument.symbol))
    rate = snapshot.rate_of(instrument.currency)
    if instrument.currency == snapshot.base_currency:
        return today, local
    rates = rate * (1.0 + moves.rate_moves(instrument.currency))
    if instrument.kind is InstrumentKind.FUTURE:
        # Its notional is not held: only what it gains is exchanged, at the scenario's rate.
        return today * rate, today * rate + (local - today) * rates
    return today * rate, local * rates


def _bond(
    instrument: Instrument, snapshot: MarketSnapshot, moves: MarketMoves
) -> tuple[float, FloatArray]:
    flows, curve = (
        bond_flows(instrument, snapshot),
        snapshot.curve_for(instrument.symbol, instrument.currency),
    )
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


def _underlying(instrument: Instrument) -> str:
    return "" if instrument.option is None else instrument.option.underlying
