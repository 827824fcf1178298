"""What a book may be, as convex functions of its exposures: limits that a programme can restore.

Each restriction answers twice: `value` measures exposures as they are, `expression` states the
same (or, for value at risk, a convex function that is never smaller) to the solver. Exposures
are signed market values as fractions of equity, in the order of the book's symbols; so are the
bounds.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from measures.tail import tail_risk


class Restriction(Protocol):
    """One limit on exposures."""

    @property
    def name(self) -> str:
        """What is limited, for people."""
        ...

    @property
    def bound(self) -> float:
        """Largest value allowed, positive."""
        ...

    def value(self, exposures: FloatArray) -> float:
        """Return the limited number of `exposures`, of shape (n_symbols,)."""
        ...

    def expression(self, exposures: Any) -> Any:  # noqa: ANN401 - the solver's own expressions
        """Return a convex cvxpy expression that is at least `value`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NetRestriction:
    """A bound on |weights @ exposures|: net exposure, beta, one symbol, a sector's net."""

    name: str
    weights: FloatArray
    bound: float

    def value(self, exposures: FloatArray) -> float:
        """Return |weights @ exposures|."""
        return abs(float(self.weights @ exposures))

    def expression(self, exposures: Any) -> Any:  # noqa: ANN401 - the solver's own expressions
        """Return the same for the solver."""
        import cvxpy as cp

        return cp.abs(self.weights @ exposures)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrossRestriction:
    """A bound on weights @ |exposures|, weights not negative: gross exposure, of all or some."""

    name: str
    weights: FloatArray
    bound: float

    def __post_init__(self) -> None:
        if (self.weights < 0).any():
            raise InvalidInputError(f"{self.name}: gross weights must not be negative")

    def value(self, exposures: FloatArray) -> float:
        """Return weights @ |exposures|."""
        return float(self.weights @ np.abs(exposures))

    def expression(self, exposures: Any) -> Any:  # noqa: ANN401 - the solver's own expressions
        """Return the same for the solver."""
        import cvxpy as cp

        return self.weights @ cp.abs(exposures)


@dataclass(frozen=True, slots=True, kw_only=True)
class StressRestriction:
    """A bound on the loss under one scenario of `returns`, of shape (n_symbols,)."""

    name: str
    returns: FloatArray
    bound: float

    def value(self, exposures: FloatArray) -> float:
        """Return the loss, zero when the scenario is a gain."""
        return max(-float(self.returns @ exposures), 0.0)

    def expression(self, exposures: Any) -> Any:  # noqa: ANN401 - the solver's own expressions
        """Return the loss for the solver."""
        return -self.returns @ exposures


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationRestriction:
    """A bound on multiple x sqrt(x' C x) - mean @ x: normal value at risk, or volatility.

    Attributes
    ----------
    covariance : ndarray of shape (n_symbols, n_symbols)
        Positive semi-definite.
    multiple : float
        Standard deviations, for example 2.326348 for 99 %.
    mean : ndarray of shape (n_symbols,) or None
        Expected returns, for example those of a stress; None stands for zero.
    """

    name: str
    covariance: FloatArray
    multiple: float
    bound: float
    mean: FloatArray | None = None

    def value(self, exposures: FloatArray) -> float:
        """Return the multiple of the standard deviation less the mean, zero when negative."""
        variance = max(float(exposures @ self.covariance @ exposures), 0.0)
        mean = 0.0 if self.mean is None else float(self.mean @ exposures)
        return max(self.multiple * math.sqrt(variance) - mean, 0.0)

    def expression(self, exposures: Any) -> Any:  # noqa: ANN401 - the solver's own expressions
        """Return the same for the solver, by a square root of the covariance."""
        import cvxpy as cp

        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        deviation = self.multiple * cp.norm(root.T @ exposures, 2)
        return deviation if self.mean is None else deviation - self.mean @ exposures


@dataclass(frozen=True, slots=True, kw_only=True)
class TailRestriction:
    """A bound on historical expected shortfall, or value at risk, over scenarios.

    Value at risk is not convex, so the solver is given the expected shortfall at the same
    confidence, which is never smaller (Rockafellar and Uryasev 2000).

    Attributes
    ----------
    scenarios : ndarray of shape (n_scenarios, n_symbols)
        Returns, equally likely, finite.
    """

    name: str
    scenarios: FloatArray
    confidence: float
    bound: float
    shortfall: bool = True

    def value(self, exposures: FloatArray) -> float:
        """Return expected shortfall, or value at risk; zero when even the tail gains."""
        tail = tail_risk(self.scenarios @ exposures, confidence=self.confidence)
        return max(tail.expected_shortfall if self.shortfall else tail.value_at_risk, 0.0)

    def expression(self, exposures: Any) -> Any:  # noqa: ANN401 - the solver's own expressions
        """Return the expected shortfall for the solver."""
        import cvxpy as cp

        return cp.cvar(-self.scenarios @ exposures, self.confidence)
