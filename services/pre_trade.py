"""What the controls need to know of a book's risk before an order goes out.

Three views answer the same questions: `MeasuredRisk` on the night's estimates, with stresses, as
the live desk and the nightly profile measure; `ScenarioRisk` on a window of returns, for the
simulation; `CovarianceRisk` by the normal law where the sessions are too few for a tail.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Final, Protocol

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from measures.parametric_tail import normal_tail
from oms.controls import RiskFigures
from risk.live import CONFIDENCES, LiveBook
from risk.scenarios import Scenarios
from risk.stress import PARTICIPATION_CAP, StressScenario
from risk.what_if import WhatIf

VAR_CONFIDENCE: Final = 0.99
SHORTFALL_CONFIDENCE: Final = 0.975


class BookRisk(Protocol):
    """Risk of a book, of one more order, and of the book once the order is sent."""

    def covers(self, symbol: str) -> bool:
        """Return whether the risk of `symbol` is known."""
        ...

    def figures(self) -> RiskFigures:
        """Return the risk now."""
        ...

    def figures_after(self, symbol: str, quantity: float) -> RiskFigures:
        """Return the risk with `quantity` (signed) of `symbol` more."""
        ...

    def add(self, symbol: str, quantity: float) -> None:
        """Count `quantity` of `symbol` as held from now on: an order was sent."""
        ...


class MeasuredRisk:
    """The figures of the nightly profile for a book of now, by `risk.live`.

    Parameters
    ----------
    market : LiveBook
        A book on the night's market; what it holds is of no account.
    scenarios : sequence of StressScenario
        Those that the book can be run through.
    values, quantities : mapping of str to float
        Money value of one unit, and signed holdings.
    daily_notional : mapping of str to float
        Money traded a day, where known.
    """

    def __init__(
        self,
        market: LiveBook,
        *,
        scenarios: Sequence[StressScenario],
        values: Mapping[str, float],
        quantities: Mapping[str, float],
        daily_notional: Mapping[str, float],
    ) -> None:
        self._limited = [s.name for s in scenarios if s.is_ready and s.is_limited]
        self._values = values
        self._pace = _Pace(daily_notional)
        held = {s: q * values[s] for s, q in quantities.items() if s in values}
        self._exposures = held
        self._book = market.holding(np.array([held.get(s, 0.0) for s in market.symbols]))
        self._now: RiskFigures | None = None

    def covers(self, symbol: str) -> bool:
        """Return whether the night had history enough of `symbol`."""
        return self._book.covers(symbol)

    def figures(self) -> RiskFigures:
        """Return the risk now."""
        if self._now is None:
            self._now = self._read(self._exposures)
        return self._now

    def figures_after(self, symbol: str, quantity: float) -> RiskFigures:
        """Return the risk with `quantity` (signed) of `symbol` more."""
        before = self._exposures.get(symbol, 0.0)
        after = before + quantity * self._values[symbol]
        self._book.set_exposure(symbol, after)
        try:
            return self._read({**self._exposures, symbol: after})
        finally:
            self._book.set_exposure(symbol, before)

    def add(self, symbol: str, quantity: float) -> None:
        """Count `quantity` of `symbol` as held from now on: an order was sent."""
        self._exposures[symbol] = self._exposures.get(symbol, 0.0) + quantity * self._values[symbol]
        if self.covers(symbol):
            self._book.set_exposure(symbol, self._exposures[symbol])
        self._now = None

    def _read(self, exposures: Mapping[str, float]) -> RiskFigures:
        value, shortfall = self._book.headline()
        losses = self._book.stress_losses()
        return RiskFigures(
            value_at_risk=max(float(value[CONFIDENCES.index(VAR_CONFIDENCE)]), 0.0),
            expected_shortfall=float(shortfall[CONFIDENCES.index(SHORTFALL_CONFIDENCE)]),
            worst_stress_loss=max((losses[name] for name in self._limited), default=None),
            days_to_liquidate=self._pace.slowest(exposures),
        )


class _Pace:
    """How long positions take to sell at the participation cap."""

    def __init__(self, daily_notional: Mapping[str, float]) -> None:
        self._a_day = {s: n * PARTICIPATION_CAP for s, n in daily_notional.items() if n > 0}

    def slowest(self, exposures: Mapping[str, float]) -> float | None:
        """Return the days of the slowest position; None where no volume is known."""
        known = (
            abs(exposure) / self._a_day[symbol]
            for symbol, exposure in exposures.items()
            if symbol in self._a_day
        )
        return max(known, default=0.0 if self._a_day else None)


class ScenarioRisk:
    """Historical VaR and ES of a book, answered for an order by `risk.what_if`.

    Parameters
    ----------
    symbols : sequence of str
        Order of the rows of `returns`.
    returns : ndarray of shape (n_symbols, n_sessions)
        Daily, finite; a row of zeros is of a symbol without a history.
    values : mapping of str to float
        Money value of one unit of each symbol.
    quantities : mapping of str to float
        Signed holdings.
    daily_notional : mapping of str to float
        Money traded a day, where known.

    Raises
    ------
    MissingDataError
        If the sessions are too few for the confidence.
    """

    def __init__(
        self,
        *,
        symbols: Sequence[str],
        returns: FloatArray,
        values: Mapping[str, float],
        quantities: Mapping[str, float],
        daily_notional: Mapping[str, float] | None = None,
    ) -> None:
        self._values = values
        self._pace = _Pace(daily_notional or {})
        self._exposures = {s: q * values.get(s, 0.0) for s, q in quantities.items()}
        self._known = set(np.array(symbols)[returns.any(axis=1)].tolist())
        exposures = np.array([self._exposures.get(s, 0.0) for s in symbols])
        scenarios = Scenarios("historical", tuple(symbols), returns)
        self._var = WhatIf(scenarios, exposures, confidence=VAR_CONFIDENCE)
        self._shortfall = WhatIf(scenarios, exposures, confidence=SHORTFALL_CONFIDENCE)

    def covers(self, symbol: str) -> bool:
        """Return whether `symbol` has a history."""
        return symbol in self._known

    def figures(self) -> RiskFigures:
        """Return the risk now; a loss is 0 where the tail is a gain."""
        return RiskFigures(
            value_at_risk=max(self._var.now.value_at_risk, 0.0),
            expected_shortfall=max(self._shortfall.now.expected_shortfall, 0.0),
            days_to_liquidate=self._pace.slowest(self._exposures),
        )

    def figures_after(self, symbol: str, quantity: float) -> RiskFigures:
        """Return the risk with `quantity` (signed) of `symbol` more."""
        change = quantity * self._values[symbol]
        after = {**self._exposures, symbol: self._exposures.get(symbol, 0.0) + change}
        return RiskFigures(
            value_at_risk=max(self._var.after(symbol, change).value_at_risk, 0.0),
            expected_shortfall=max(self._shortfall.after(symbol, change).expected_shortfall, 0.0),
            days_to_liquidate=self._pace.slowest(after),
        )

    def add(self, symbol: str, quantity: float) -> None:
        """Count `quantity` of `symbol` as held from now on: an order was sent."""
        change = quantity * self._values[symbol]
        self._exposures[symbol] = self._exposures.get(symbol, 0.0) + change
        self._var.add(symbol, change)
        self._shortfall.add(symbol, change)


def market_betas(symbols: Sequence[str], covariance: FloatArray) -> dict[str, float]:
    """Return each symbol's beta on the equally weighted universe; those without history left out.

    Parameters
    ----------
    covariance : ndarray of shape (n_symbols, n_symbols)
        NaN in row and column of a symbol without history.
    """
    known = np.flatnonzero(np.isfinite(np.diagonal(covariance)))
    if not known.size:
        return {}
    with_market = covariance[np.ix_(known, known)].mean(axis=1)
    variance = float(with_market.mean())
    if variance <= 0.0:
        return {}
    betas = (with_market / variance).tolist()
    return {symbols[row]: beta for row, beta in zip(known.tolist(), betas, strict=True)}


class CovarianceRisk:
    """Normal VaR and ES of a book over one period, and what one more order would do to them.

    With exposures w and covariance C the variance is w'Cw; d more of symbol i adds
    2 d (Cw)_i + d^2 C_ii, so a question costs no matrix product.

    Parameters
    ----------
    symbols : sequence of str
        Order of the rows of `covariance`.
    covariance : ndarray of shape (n_symbols, n_symbols)
        Of returns per period, finite.
    values : mapping of str to float
        Money value of one unit of each symbol.
    quantities : mapping of str to float
        Signed holdings.
    daily_notional : mapping of str to float
        Money traded a day, where known.
    """

    def __init__(
        self,
        *,
        symbols: Sequence[str],
        covariance: FloatArray,
        values: Mapping[str, float],
        quantities: Mapping[str, float],
        daily_notional: Mapping[str, float] | None = None,
    ) -> None:
        if covariance.shape != (len(symbols), len(symbols)) or not np.isfinite(covariance).all():
            raise InvalidInputError(
                f"covariance must be finite, one row per symbol, got shape {covariance.shape}"
            )
        self._row = {symbol: row for row, symbol in enumerate(symbols)}
        self._covariance = covariance
        self._values = values
        self._exposures = np.array([quantities.get(s, 0.0) * values.get(s, 0.0) for s in symbols])
        self._held = {s: q * values.get(s, 0.0) for s, q in quantities.items()}
        self._pace = _Pace(daily_notional or {})
        self._refresh()

    def covers(self, symbol: str) -> bool:
        """Return whether `symbol` has a row that moves."""
        row = self._row.get(symbol)
        return row is not None and bool(self._covariance[row, row] > 0.0)

    def figures(self) -> RiskFigures:
        """Return the risk now."""
        return self._read(self._variance, self._held)

    def figures_after(self, symbol: str, quantity: float) -> RiskFigures:
        """Return the risk with `quantity` (signed) of `symbol` more."""
        row = self._row.get(symbol)
        if row is None:
            raise InvalidInputError(f"no covariance for {symbol}: its history is too short")
        change = quantity * self._values[symbol]
        variance = self._variance + change * (
            2 * float(self._products[row]) + change * float(self._covariance[row, row])
        )
        after = {**self._held, symbol: self._held.get(symbol, 0.0) + change}
        return self._read(max(variance, 0.0), after)

    def add(self, symbol: str, quantity: float) -> None:
        """Count `quantity` of `symbol` as held from now on: an order was sent."""
        change = quantity * self._values[symbol]
        self._exposures[self._row[symbol]] += change
        self._held[symbol] = self._held.get(symbol, 0.0) + change
        self._refresh()

    def _read(self, variance: float, exposures: Mapping[str, float]) -> RiskFigures:
        std = math.sqrt(variance)
        return RiskFigures(
            value_at_risk=_NORMAL_VAR * std,
            expected_shortfall=_NORMAL_SHORTFALL * std,
            days_to_liquidate=self._pace.slowest(exposures),
        )

    def _refresh(self) -> None:
        self._products = self._covariance @ self._exposures
        self._variance = max(float(self._exposures @ self._products), 0.0)


_NORMAL_VAR: Final = NormalDist().inv_cdf(VAR_CONFIDENCE)
_NORMAL_SHORTFALL: Final = float(
    normal_tail(np.zeros(1), np.ones(1), confidence=SHORTFALL_CONFIDENCE)[1][0]
)
