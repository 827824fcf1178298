"""Schedules by the clock and by volume: TWAP, VWAP and participation.

Every schedule is in whole lots and sums exactly to the order: cumulative targets are rounded,
not the slices, so that no rounding error gathers and no slice is more than a lot from its share.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Final

from basics.errors import InvalidInputError

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Slice:
    """What to trade in one span of time; quantity positive, zero slices are kept."""

    start: datetime
    end: datetime
    quantity: Decimal


def twap(
    quantity: Decimal, *, start: datetime, end: datetime, slices: int, lot: Decimal = Decimal(1)
) -> tuple[Slice, ...]:
    """Spread `quantity` evenly over time.

    Raises
    ------
    InvalidInputError
        If the span is empty, a count or quantity is not positive, or the quantity is not whole
        lots.
    """
    if slices < 1 or not end > start:
        raise InvalidInputError(f"need at least one slice and end after start, got {slices}")
    step = (end - start) / slices
    edges = [*(start + step * n for n in range(slices)), end]
    return _over(edges, in_lots(quantity, [1.0] * slices, lot=lot))


def vwap(
    quantity: Decimal,
    *,
    edges: Sequence[datetime],
    volume_profile: Sequence[float],
    lot: Decimal = Decimal(1),
) -> tuple[Slice, ...]:
    """Spread `quantity` as the market's volume is expected to come.

    Parameters
    ----------
    edges : sequence of datetime
        Ascending; one more than there are spans.
    volume_profile : sequence of float
        Expected volume of each span, on any scale.

    Raises
    ------
    InvalidInputError
        If the edges do not ascend or do not fit the profile, or as `in_lots`.
    """
    if len(edges) != len(volume_profile) + 1:
        raise InvalidInputError(
            f"{len(volume_profile)} spans need {len(volume_profile) + 1} edges, got {len(edges)}"
        )
    if any(later <= earlier for earlier, later in itertools.pairwise(edges)):
        raise InvalidInputError("the edges of a schedule must ascend")
    return _over(edges, in_lots(quantity, volume_profile, lot=lot))


def pov(
    quantity: Decimal,
    *,
    edges: Sequence[datetime],
    others_volume: Sequence[float],
    rate: float,
    lot: Decimal = Decimal(1),
) -> tuple[tuple[Slice, ...], Decimal]:
    """Follow the volume of others at `rate` of all volume; return the slices and what is left.

    Raises
    ------
    InvalidInputError
        As `participation_child` and `vwap`.
    """
    if len(edges) != len(others_volume) + 1:
        raise InvalidInputError(
            f"{len(others_volume)} spans need {len(others_volume) + 1} edges, got {len(edges)}"
        )
    left, quantities = quantity, []
    for volume in others_volume:
        child = participation_child(left, rate=rate, others_volume=volume, lot=lot)
        quantities.append(child)
        left -= child
    return _over(edges, quantities), left


def participation_child(
    leaves: Decimal, *, rate: float, others_volume: float, lot: Decimal = Decimal(1)
) -> Decimal:
    """Return min(leaves, rate / (1 - rate) x others' volume), in whole lots, rounded down.

    The own trades are part of the volume that the rate is of, hence the denominator.

    Raises
    ------
    InvalidInputError
        If `rate` lies outside (0, 1) or the volume is negative or not finite.
    """
    if not 0 < rate < 1:
        raise InvalidInputError(f"a participation rate lies in (0, 1), got {rate}")
    if not 0 <= others_volume < float("inf"):
        raise InvalidInputError(f"volume must be finite and not negative, got {others_volume}")
    allowed = Decimal(repr(rate / (1 - rate) * others_volume))
    lots = (min(leaves, allowed) / lot).to_integral_value(ROUND_DOWN)
    return lots * lot


def in_lots(
    quantity: Decimal, shares: Sequence[float], *, lot: Decimal = Decimal(1)
) -> list[Decimal]:
    """Split `quantity` in proportion to `shares`, in whole lots that sum to it exactly.

    Raises
    ------
    InvalidInputError
        If the quantity is not a positive number of lots, or shares are negative or all zero.
    """
    if not (quantity > 0 and quantity % lot == 0):
        raise InvalidInputError(f"{quantity} is not a positive number of lots of {lot}")
    exact = [Decimal(repr(float(share))) for share in shares]
    if not all(share.is_finite() and share >= 0 for share in exact) or not any(exact):
        raise InvalidInputError("shares must be finite, not negative, and not all zero")
    total, lots = sum(exact, ZERO), quantity / lot
    reached, before, parts = ZERO, ZERO, []
    for share in exact:
        reached += share
        target = (lots * reached / total).to_integral_value(ROUND_HALF_EVEN)
        parts.append((target - before) * lot)
        before = target
    return parts


def _over(edges: Sequence[datetime], quantities: Sequence[Decimal]) -> tuple[Slice, ...]:
    return tuple(
        Slice(start, end, quantity)
        for (start, end), quantity in zip(itertools.pairwise(edges), quantities, strict=True)
    )
