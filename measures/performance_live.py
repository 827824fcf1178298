"""Performance that is updated return by return, and equals the batch measures.

Moments follow Welford (1962), so that a long life does not cancel digits away; drawdown follows
wealth over its peak. One update costs the same however long the history is.
"""

import math
from dataclasses import dataclass

from basics.errors import InvalidInputError
from measures.performance import PERIODS_PER_YEAR


@dataclass(slots=True)
class LivePerformance:
    """Sharpe, Sortino, Calmar and drawdown of a growing series of returns.

    A property is None where the batch measure would be undefined or lacks observations.

    Attributes
    ----------
    target : float
        Return per period that the Sortino ratio is held against.
    """

    periods_per_year: float = PERIODS_PER_YEAR
    target: float = 0.0
    count: int = 0
    mean: float = 0.0
    growth: float = 1.0
    max_drawdown: float = 0.0
    _squares: float = 0.0
    _shortfall_squares: float = 0.0
    _over_peak: float = 1.0
    _low: float = math.inf
    _high: float = -math.inf

    def update(self, value: float) -> None:
        """Take in the return of one more period.

        Raises
        ------
        InvalidInputError
            If it is not finite or below -1; nothing is changed then.
        """
        if not (math.isfinite(value) and value >= -1.0):
            raise InvalidInputError(f"a return must be finite and at least -1, got {value}")
        self.count += 1
        before = value - self.mean
        self.mean += before / self.count
        self._squares += before * (value - self.mean)
        short = min(value - self.target, 0.0)
        self._shortfall_squares += short * short
        self.growth *= 1.0 + value
        self._over_peak = min(self._over_peak * (1.0 + value), 1.0)
        self.max_drawdown = max(self.max_drawdown, 1.0 - self._over_peak)
        self._low, self._high = min(self._low, value), max(self._high, value)

    @property
    def drawdown(self) -> float:
        """The drawdown now, a positive fraction of the peak."""
        return 1.0 - self._over_peak

    @property
    def volatility(self) -> float | None:
        """Annualised standard deviation, ddof 1."""
        if self.count < 2:
            return None
        if self._low == self._high:
            return 0.0
        return math.sqrt(self._squares / (self.count - 1) * self.periods_per_year)

    @property
    def sharpe_ratio(self) -> float | None:
        """Annualised, against a risk-free rate of zero."""
        deviation = self.volatility
        return self.mean * self.periods_per_year / deviation if deviation else None

    @property
    def sortino_ratio(self) -> float | None:
        """Annualised, over all periods."""
        if not self._shortfall_squares:
            return None
        downside = math.sqrt(self._shortfall_squares / self.count * self.periods_per_year)
        return (self.mean - self.target) * self.periods_per_year / downside

    @property
    def cagr(self) -> float | None:
        """Compound annual growth rate."""
        if not self.count:
            return None
        return float(self.growth ** (self.periods_per_year / self.count)) - 1.0

    @property
    def calmar_ratio(self) -> float | None:
        """CAGR over maximum drawdown."""
        growth = self.cagr
        return growth / self.max_drawdown if growth is not None and self.max_drawdown else None
