"""The sizing kind: how much to hold of what is foretold, and never more than risk allows.

A size is a fraction of equity, positive long. Fractional Kelly on mean over variance, scaled to
a volatility target, then cut by each cap in turn; what cut it is part of the answer.
"""

from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingRules:
    """What bounds a position.

    Attributes
    ----------
    kelly_fraction : float
        Share of the full Kelly size: estimates are noisy, and full Kelly on noise is ruin.
    target_volatility : float
        Yearly volatility that the position may bring, as a fraction of equity.
    max_value_at_risk : float
        Largest one-day value at risk of the position, as a fraction of equity.
    max_drawdown : float
        At this drawdown the size is zero; it shrinks in proportion on the way.
    max_participation : float
        Largest share of the average daily volume.
    max_weight : float
        Largest size at all.
    """

    kelly_fraction: float = 0.25
    target_volatility: float = 0.15
    max_value_at_risk: float = 0.02
    max_drawdown: float = 0.20
    max_participation: float = 0.05
    max_weight: float = 1.0
    sessions_per_year: int = 252

    def __post_init__(self) -> None:
        for name in ("kelly_fraction", "target_volatility", "max_value_at_risk", "max_drawdown"):
            if not getattr(self, name) > 0:
                raise InvalidInputError(f"{name} must be positive, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingInputs:
    """What is foretold of each position, arrays of shape (n,).

    Attributes
    ----------
    mean, volatility : ndarray
        Of one session's return, as fractions.
    value_at_risk : ndarray
        One-session value at risk of a position of the size of equity, positive.
    drawdown : float
        Fraction that equity stands below its highest value so far.
    daily_volume_share : ndarray
        Equity over the average daily value traded: what holding all of it would take.
    """

    mean: FloatArray
    volatility: FloatArray
    value_at_risk: FloatArray
    drawdown: float
    daily_volume_share: FloatArray


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes, and the name of what bound each: `kelly` where no cap did."""

    size: FloatArray
    bound_by: tuple[str, ...]


def position_sizes(inputs: SizingInputs, rules: SizingRules) -> Sizes:
    """Return the size of each position as a fraction of equity.

    Raises
    ------
    InvalidInputError
        If a volatility is not positive, or a value is not finite.
    """
    for name in ("mean", "volatility", "value_at_risk", "daily_volume_share"):
        if not np.isfinite(getattr(inputs, name)).all():
            raise InvalidInputError(f"{name} must be finite: leave unknown positions out")
    if not (inputs.volatility > 0).all():
        raise InvalidInputError(
            f"volatility must be positive, got {float(inputs.volatility.min())}"
        )
    kelly = rules.kelly_fraction * inputs.mean / inputs.volatility**2
    yearly = inputs.volatility * np.sqrt(rules.sessions_per_year)
    caps = {
        "volatility target": rules.target_volatility / yearly,
        "value at risk": rules.max_value_at_risk / np.maximum(inputs.value_at_risk, 1e-12),
        "liquidity": rules.max_participation / np.maximum(inputs.daily_volume_share, 1e-12),
        "weight": np.full(len(kelly), rules.max_weight),
    }
    limits = np.stack(list(caps.values()))
    tightest = limits.argmin(axis=0)
    cap = limits.min(axis=0)
    size = np.sign(kelly) * np.minimum(np.abs(kelly), cap)
    names = tuple(caps)
    bound = tuple(
        names[tightest[i]] if abs(kelly[i]) > cap[i] else "kelly" for i in range(len(kelly))
    )
    # Less is at stake the deeper under water: linear from full size to none.
    room = max(0.0, 1.0 - inputs.drawdown / rules.max_drawdown)
    if room < 1.0:
        bound = tuple(f"{name}, drawdown" for name in bound)
    return Sizes(np.asarray(room * size, dtype=np.float64), bound)
