"""Options of a book in every scenario: priced together, each at its own spot, volatility and rate.

The options of a book become rows of one call of the bulk kernel, so that a thousand of them in a
thousand scenarios, or in one, are priced by vector instructions. What ails one option is told of
it alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError, QuantDeskError
from basics.instruments import ExerciseStyle, Instrument, OptionRight
from market.multi_asset import DAYS_A_YEAR, MarketMoves, MarketSnapshot
from measures.options import OptionTerms, option_prices, option_scenarios

# Options to a call of the kernel: keeps its matrices within tens of megabytes.
_BATCH = 1_024
_LEAST_SPOT = 1e-9  # Of the spot: below it a price has nothing left to say.


@dataclass(frozen=True, slots=True)
class OptionValues:
    """One unit of an option in its own currency: today, and in each scenario."""

    today: float
    scenarios: FloatArray


@dataclass(frozen=True, slots=True)
class _Row:
    """One option, ready for the kernel."""

    terms: OptionTerms
    spot_ratio: FloatArray
    volatility_ratio: FloatArray
    rate_change: FloatArray


def option_values(
    options: Sequence[Instrument], snapshot: MarketSnapshot, moves: MarketMoves
) -> list[OptionValues | QuantDeskError]:
    """Return for each option what it is worth, or why it cannot be priced."""
    found: list[OptionValues | QuantDeskError | _Row] = []
    for option in options:
        try:
            found.append(_row(option, snapshot, moves))
        except QuantDeskError as error:
            found.append(error)
    rows = [row for row in found if isinstance(row, _Row)]
    batches = (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))
    priced = (value for batch in batches for value in _priced(batch, snapshot))
    return [next(priced) if isinstance(row, _Row) else row for row in found]


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
    curve = snapshot.curve_of(instrument.currency)
    rate = float(curve.weights(np.array([years]))[0] @ curve.rates)
    return OptionTerms(
        spot=np.array([snapshot.price_of(option.underlying)]),
        strike=np.array([float(option.strike)]),
        years=np.array([years]),
        volatility=np.array([snapshot.volatilities[instrument.symbol]]),
        rate=np.array([rate]),
        dividend=np.array([snapshot.dividends.get(option.underlying, 0.0)]),
        is_call=np.array([option.right is OptionRight.CALL]),
        is_american=np.array([option.style is ExerciseStyle.AMERICAN]),
        formula=snapshot.american,
    )


def _row(instrument: Instrument, snapshot: MarketSnapshot, moves: MarketMoves) -> _Row:
    terms, option = option_terms(instrument, snapshot), instrument.option
    assert option is not None  # Else it has no terms.
    spot = 1.0 + moves.price_moves(option.underlying)
    level = 1.0 + moves.volatility_moves(instrument.symbol, option.underlying)
    shifts, rate = moves.curves.get(instrument.currency), np.zeros(moves.n_scenarios)
    if shifts is not None:
        rate = snapshot.curve_of(instrument.currency).weights(terms.years)[0] @ shifts
    missing = int((~np.isfinite(spot + level + rate)).sum())
    if missing:
        raise MissingDataError(
            f"it has no value in {missing} of {len(spot)} scenarios: a move is missing"
        )
    return _Row(
        terms=terms,
        spot_ratio=np.maximum(spot, _LEAST_SPOT),
        volatility_ratio=np.maximum(level, 0.0),
        rate_change=rate,
    )


def _priced(rows: Sequence[_Row], snapshot: MarketSnapshot) -> list[OptionValues]:
    names = [field.name for field in fields(OptionTerms) if field.name != "formula"]
    whole = {name: np.concatenate([getattr(row.terms, name) for row in rows]) for name in names}
    terms = OptionTerms(**whole, formula=snapshot.american)
    prices = option_scenarios(
        terms,
        spot_ratio=np.stack([row.spot_ratio for row in rows]),
        volatility_ratio=np.stack([row.volatility_ratio for row in rows]),
        rate_change=np.stack([row.rate_change for row in rows]),
    )
    today = option_prices(terms).tolist()
    return [OptionValues(*pair) for pair in zip(today, prices, strict=True)]
