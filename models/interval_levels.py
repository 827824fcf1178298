"""How often an interval may miss, moved session by session by what came.

`DynamicLevel` is dynamically tuned adaptive conformal inference (Gibbs and Candes 2024, "Conformal
inference for online prediction with arbitrary distribution shifts", algorithm 2): adaptive levels
of many steps run beside each other, weighted by how well each has met the quantile, so that no step
is chosen. Steps, eta and sigma are those of the paper. `FixedStep` is one such level (Gibbs and
Candes 2021).
"""

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from basics.arrays import FloatArray

STEPS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128)


class Level(Protocol):
    """A share of misses that learns."""

    @property
    def level(self) -> float:
        """The share in force, in [0, 1]."""
        ...

    @property
    def issued(self) -> FloatArray:
        """What a session is told by: to be handed back with what came of it."""
        ...

    def learn(self, tolerances: FloatArray, issued: FloatArray) -> None:
        """Take in a session: for each outcome, the largest level at which it is still inside.

        Outcomes come late, so that a session is held against the levels that it was told by.
        """
        ...


@dataclass(slots=True)
class FixedStep:
    """level += step (alpha - share missed)."""

    alpha: float
    step: float
    _level: float = field(init=False)

    def __post_init__(self) -> None:
        self._level = self.alpha

    @property
    def level(self) -> float:
        """The share in force."""
        return min(max(self._level, 0.0), 1.0)

    @property
    def issued(self) -> FloatArray:
        """The level now."""
        return np.array([self._level])

    def learn(self, tolerances: FloatArray, issued: FloatArray) -> None:
        """Move by the share of the session's outcomes that its level missed."""
        self._level += self.step * (self.alpha - float((tolerances <= issued[0]).mean()))


class DynamicLevel:
    """Levels of all `STEPS`, averaged by weights that follow their quantile loss.

    Parameters
    ----------
    window : int
        Sessions over which the weights shall do as well as the best step.
    """

    def __init__(self, alpha: float, *, window: int) -> None:
        self.alpha = alpha
        self._steps = np.array(STEPS)
        count = len(STEPS)
        self._levels = np.full(count, alpha)
        self._weights = np.full(count, 1.0 / count)
        spread = (1.0 - alpha) ** 2 * alpha**3 + alpha**2 * (1.0 - alpha) ** 3
        self._eta = math.sqrt(3.0 / window * (math.log(window * count) + 2.0) / spread)
        self._sigma = 1.0 / (2.0 * window)

    @property
    def level(self) -> float:
        """The share in force."""
        return float(min(max(self._weights @ self._levels, 0.0), 1.0))

    @property
    def issued(self) -> FloatArray:
        """The level of every step now."""
        return self._levels

    def learn(self, tolerances: FloatArray, issued: FloatArray) -> None:
        """Weigh each step by its mean quantile loss of the session, then move each level."""
        away = tolerances[:, None] - issued
        loss = (self.alpha * away - np.minimum(away, 0.0)).mean(axis=0)
        told = self._weights * np.exp(-self._eta * (loss - loss.min()))
        told /= told.sum()
        self._weights = (1.0 - self._sigma) * told + self._sigma / len(told)
        missed = (tolerances[:, None] <= issued).mean(axis=0)
        self._levels = self._levels + self._steps * (self.alpha - missed)
