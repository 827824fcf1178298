"""What the controls need to know of a book before an order goes out."""

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Protocol

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from risk.scenarios import Scenarios
from risk.what_if import WhatIf


class BookRisk(Protocol):
    """Value at risk of a book, of one more order, and of the book once the order is sent."""

    def value_at_risk(self) -> float:
        """Return the value at risk now, in money, positive."""
        ...

    def value_at_risk_after(self, symbol: str, quantity: float) -> float:
        """Return the value at risk with `quantity` (signed) of `symbol` more."""
        ...

    def add(self, symbol: str, quantity: float) -> None:
        """Count `quantity` of `symbol` as held from now on: an order was sent."""
        ...


class ScenarioRisk:
    """Historical value at risk of a book, answered for an order by `risk.what_if`.

    Parameters
    ----------
    symbols : sequence of str
        Order of the rows of `returns`.
    returns : ndarray of shape (n_symbols, n_sessions)
        Daily, finite.
    values : mapping of str to float
        Money value of one unit of each symbol.
    quantities : mapping of str to float
        Signed holdings.

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
        confidence: float = 0.99,
    ) -> None:
        self._values = values
        exposures = np.array([quantities.get(s, 0.0) * values.get(s, 0.0) for s in symbols])
        scenarios = Scenarios("historical", tuple(symbols), returns)
        self._book = WhatIf(scenarios, exposures, confidence=confidence)

    def value_at_risk(self) -> float:
        """Return the value at risk now, in money, 0 where the tail is a gain."""
        return max(self._book.now.value_at_risk, 0.0)

    def value_at_risk_after(self, symbol: str, quantity: float) -> float:
        """Return the value at risk with `quantity` (signed) of `symbol` more."""
        return max(self._book.after(symbol, quantity * self._values[symbol]).value_at_risk, 0.0)

    def add(self, symbol: str, quantity: float) -> None:
        """Count `quantity` of `symbol` as held from now on: an order was sent."""
        self._book.add(symbol, quantity * self._values[symbol])


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
    """Normal value at risk of a book over one period, and what one more order would do to it.

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
    """

    def __init__(
        self,
        *,
        symbols: Sequence[str],
        covariance: FloatArray,
        values: Mapping[str, float],
        quantities: Mapping[str, float],
        confidence: float = 0.99,
    ) -> None:
        if covariance.shape != (len(symbols), len(symbols)) or not np.isfinite(covariance).all():
            raise InvalidInputError(
                f"covariance must be finite, one row per symbol, got shape {covariance.shape}"
            )
        self._row = {symbol: row for row, symbol in enumerate(symbols)}
        self._covariance = covariance
        self._values = values
        self._exposures = np.array([quantities.get(s, 0.0) * values.get(s, 0.0) for s in symbols])
        self._quantile = NormalDist().inv_cdf(confidence)
        self._refresh()

    def value_at_risk(self) -> float:
        """Return the value at risk now, in money, positive."""
        return self._quantile * math.sqrt(self._variance)

    def value_at_risk_after(self, symbol: str, quantity: float) -> float:
        """Return the value at risk with `quantity` (signed) of `symbol` more."""
        row = self._row.get(symbol)
        if row is None:
            raise InvalidInputError(f"no covariance for {symbol}: its history is too short")
        change = quantity * self._values[symbol]
        variance = self._variance + change * (
            2 * float(self._products[row]) + change * float(self._covariance[row, row])
        )
        return self._quantile * math.sqrt(max(variance, 0.0))

    def add(self, symbol: str, quantity: float) -> None:
        """Count `quantity` of `symbol` as held from now on: an order was sent."""
        self._exposures[self._row[symbol]] += quantity * self._values[symbol]
        self._refresh()

    def _refresh(self) -> None:
        self._products = self._covariance @ self._exposures
        self._variance = max(float(self._exposures @ self._products), 0.0)
