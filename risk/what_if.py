"""What a candidate order would do to VaR and ES, within a fraction of a millisecond.

The book's worst scenarios stay in memory in order, with a threshold somewhat above its tail. An
order adds a scaled row of one symbol, which moves no scenario by more than the row's largest
size: only those that can fall under the threshold are read, a few per cent of the book's. A
larger order reads every scenario once; one so large that the threshold no longer covers the tail
has the whole vector partitioned. The answer is the same on each path, always exact. It is one
compiled call: between orders the desk does other things, and on cold caches every call of the
interpreter or of a library costs more than the arithmetic.
"""

import math

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from measures.kernels.tails import KnownTail, changed_tail
from measures.tail import TailRisk, tail_risk, worst_tail_risks
from risk.scenarios import Scenarios

# How much more than the tail the threshold covers: more survives larger orders, and costs more.
_COVER = 1.5
# The part of the scenarios kept in order: beyond it reading every one in turn is quicker.
_ORDERED = 0.1


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
        self._scratch = np.empty(len(self._pnl) + 1, dtype=dtype)
        self._size = round((1.0 - confidence) * len(self._pnl), 9)
        reach = np.maximum(
            scenarios.returns.max(axis=1, initial=0.0), -scenarios.returns.min(axis=1, initial=0.0)
        )
        self._reach = dict(zip(scenarios.symbols, reach.tolist(), strict=True))
        tail_risk(self._pnl, confidence=confidence)  # Refuses what cannot be measured.
        self._refresh()

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
        n_covered, value, shortfall = changed_tail(
            self._tail, row, float(notional), self._reach[symbol]
        )
        if n_covered < self._size:
            return tail_risk(self._changed(row, notional), confidence=self._confidence)
        return TailRisk(self._confidence, value, shortfall)

    def add(self, symbol: str, notional: float) -> TailRisk:
        """Book the change, such as a fill, and return the tail after it."""
        self._pnl = self._changed(self._row(symbol, notional), notional)
        self._refresh()
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

    def _refresh(self) -> None:
        """Put the book's worst scenarios in order, and measure it from them."""
        n_covered = min(math.ceil(self._size * _COVER), len(self._pnl) - 1)
        kept = min(max(math.ceil(len(self._pnl) * _ORDERED), n_covered + 1), len(self._pnl))
        worst = np.argpartition(self._pnl, kept - 1)[:kept]
        order = worst[np.argsort(self._pnl[worst])]
        ordered = self._pnl[order]
        self._tail = KnownTail(
            pnl=self._pnl,
            ordered=ordered,
            order=order,
            threshold=float(ordered[n_covered]),
            size=self._size,
            scratch=self._scratch,
        )
        value, shortfall = worst_tail_risks(
            ordered[None, :], n_scenarios=len(self._pnl), confidences=[self._confidence]
        )
        self._now = TailRisk(self._confidence, float(value[0, 0]), float(shortfall[0, 0]))
