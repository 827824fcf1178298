"""What a candidate order would do to VaR and ES, within a fraction of a millisecond.

The book's P&L vector stays in memory with a threshold somewhat above its tail. An order adds a
scaled row of one symbol; only scenarios under the threshold can be in the new tail, so the tail
is found without sorting the rest. When an order is so large that the threshold no longer
covers the tail, the whole vector is partitioned instead: the answer is the same, always exact.
"""

import math

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from measures.kernels.tails import collect_changed
from measures.tail import TailRisk, tail_risk
from risk.scenarios import Scenarios

# How much more than the tail the threshold covers: more survives larger orders, and costs more.
_COVER = 1.5


class WhatIf:
    """Answers for one book at one confidence; `add` keeps it current.

    Parameters
    ----------
    scenarios : Scenarios
        Equally likely; float32 rows make the answers faster.
    exposures : ndarray of shape (n_symbols,)
        The book: signed market values.
    """

    def __init__(self, scenarios: Scenarios, exposures: FloatArray, *, confidence: float) -> None:
        if exposures.shape != (len(scenarios.symbols),) or not np.isfinite(exposures).all():
            raise InvalidInputError(f"exposures {exposures.shape} must be finite, one a symbol")
        self._scenarios = scenarios
        self._confidence = confidence
        self._row_of = {symbol: row for row, symbol in enumerate(scenarios.symbols)}
        dtype = scenarios.returns.dtype
        self._pnl = exposures.astype(dtype) @ scenarios.returns
        self._tail = np.empty(len(self._pnl) + 1, dtype=dtype)
        self._size = round((1.0 - confidence) * len(self._pnl), 9)
        self._now = tail_risk(self._pnl, confidence=confidence)
        self._threshold = self._find_threshold()

    @property
    def now(self) -> TailRisk:
        """The tail of the book as it stands."""
        return self._now

    def after(self, symbol: str, notional: float) -> TailRisk:
        """Return the tail if `notional` (signed market value) of `symbol` were added.

        Raises
        ------
        MissingDataError
            If the symbol has no scenarios.
        InvalidInputError
            If the notional is not finite.
        """
        row = self._row(symbol, notional)
        n_covered = collect_changed(self._pnl, row, notional, self._threshold, self._tail)
        if n_covered < self._size:
            return tail_risk(self._changed(row, notional), confidence=self._confidence)
        return self._read(self._tail[:n_covered])

    def add(self, symbol: str, notional: float) -> TailRisk:
        """Book the change, such as a fill, and return the tail after it."""
        self._pnl = self._changed(self._row(symbol, notional), notional)
        self._now = tail_risk(self._pnl, confidence=self._confidence)
        self._threshold = self._find_threshold()
        return self._now

    def _row(self, symbol: str, notional: float) -> FloatArray:
        row = self._row_of.get(symbol)
        if row is None:
            raise MissingDataError(f"{symbol} has no scenarios: import its bars")
        if not math.isfinite(notional):
            raise InvalidInputError(f"notional of {symbol} must be finite, got {notional}")
        returns: FloatArray = self._scenarios.returns[row]
        return returns

    def _changed(self, row: FloatArray, notional: float) -> FloatArray:
        changed: FloatArray = self._pnl + row * notional
        return changed

    def _find_threshold(self) -> float:
        at = min(math.ceil(self._size * _COVER), len(self._pnl) - 1)
        return float(np.partition(self._pnl, at)[at])

    def _read(self, covered: FloatArray) -> TailRisk:
        """Read the tail (`acerbi_tasche`) from a set that holds it."""
        whole, last = math.floor(self._size), math.ceil(self._size)
        at = min(last, len(covered)) - 1
        worst = np.partition(covered, at)[: at + 1]
        value = float(worst[at])
        total = float(worst[:at].sum()) if whole < last else float(worst.sum())
        part = (self._size - whole) * value
        return TailRisk(self._confidence, -value, -(total + part) / self._size)
