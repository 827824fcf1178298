"""Break a book's risk down: by strategy, sector and factor, and day over day."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from risk.decomposition import NormalComponents
from risk.evidence import HEADLINE, daily_returns
from risk.groups import GroupRisk, factor_risks, group_risks
from risk.movement import TailInputs, TailMovement, explain_movement
from services.risk_factors import factors_on
from services.risk_inputs import RiskInputs
from services.risk_measures import HEADLINE_METHOD, MeasuredBook

UNCLASSIFIED = "unclassified"
UNASSIGNED = "unassigned"


def decomposition_of(
    inputs: RiskInputs, measured: MeasuredBook, components: NormalComponents
) -> tuple[GroupRisk, ...]:
    """Split the risk by strategy (where known), by sector, and by factor (where given)."""
    book = measured.book
    shared: dict[str, Any] = {
        "covariance": measured.state.covariance,
        "returns": book.returns,
        "confidence": HEADLINE,
    }
    rows: tuple[GroupRisk, ...] = ()
    if inputs.strategies:
        rows += group_risks("strategy", _strategies(inputs, measured), **shared)
    rows += group_risks("sector", _sectors(inputs, measured), **shared)
    if inputs.factors:
        try:
            rows += factor_risks(
                measured.pnl,
                factors_on(inputs.factors, measured.book.sessions),
                value_at_risk=components.value_at_risk,
                confidence=HEADLINE,
            )
        except MissingDataError:  # A split that the data cannot carry is not shown.
            return rows
    return rows


def _strategies(inputs: RiskInputs, measured: MeasuredBook) -> Mapping[str, FloatArray]:
    symbols = measured.book.symbols
    parts = {
        name: np.array([held.get(symbol, 0.0) for symbol in symbols])
        for name, held in sorted(inputs.strategies.items())
    }
    rest = measured.book.exposures - np.sum(list(parts.values()), axis=0)
    if np.abs(rest).sum() > 1e-6 * np.abs(measured.book.exposures).sum():
        parts[UNASSIGNED] = rest
    return parts


def _sectors(inputs: RiskInputs, measured: MeasuredBook) -> Mapping[str, FloatArray]:
    of = np.array([inputs.sectors.get(s, UNCLASSIFIED) for s in measured.book.symbols])
    return {str(name): np.where(of == name, measured.book.exposures, 0.0) for name in np.unique(of)}


def movement_of(
    inputs: RiskInputs, measured: MeasuredBook, *, lookback: int
) -> TailMovement | None:
    """Say why the VaR behind the limits moved since the session before; None on the first day.

    The book of the session before is that of `inputs.exposures`; prices are as they are known
    now, and what they changed of the number that was published then is told as `restated`.
    """
    lived = inputs.exposures
    if lived is None or len(lived.sessions) < 2 or lived.sessions[-1] != inputs.prices.sessions[-1]:
        return None
    since: date = lived.sessions[-2].item()
    known = inputs.previous if inputs.previous and inputs.previous.as_of == since else None
    window_before = known.lookback if known and known.lookback else lookback
    keep = max(window_before, lookback) + 2
    before = _book_before(inputs, keep, window_before)
    rows = [inputs.prices.symbols.index(symbol) for symbol in measured.book.symbols]
    returns = daily_returns(inputs.prices["close"][rows, -keep:])
    if not before.symbols or returns.shape[1] - 1 < max(window_before, lookback):
        return None
    after = TailInputs(
        symbols=measured.book.symbols,
        exposures=measured.book.exposures,
        returns=returns,
        method=HEADLINE_METHOD,
        window=lookback,
    )
    moved = explain_movement(
        before,
        after,
        at_old_prices=measured.book.exposures / (1.0 + returns[:, -1]),
        confidence=HEADLINE,
    )
    published = None if known is None else known.value_at_risk
    return replace(
        moved, since=since, restated=None if published is None else moved.before - published
    )


def _book_before(inputs: RiskInputs, keep: int, window: int) -> TailInputs:
    """Return the book at the session before the last, on the prices up to it."""
    assert inputs.exposures is not None
    held = np.nan_to_num(inputs.exposures["exposure"][:, -2])
    priced = set(inputs.prices.symbols)
    chosen = [
        row for row, symbol in enumerate(inputs.exposures.symbols) if held[row] and symbol in priced
    ]
    symbols = tuple(inputs.exposures.symbols[row] for row in chosen)
    rows = [inputs.prices.symbols.index(symbol) for symbol in symbols]
    return TailInputs(
        symbols=symbols,
        exposures=held[chosen],
        returns=daily_returns(inputs.prices["close"][rows, -keep:-1]),
        method=HEADLINE_METHOD,
        window=window,
    )
