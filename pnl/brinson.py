"""Excess return over a benchmark, split into allocation, selection and interaction.

Brinson, Hood and Beebower (1986) measure allocation by (wp - wb) Rb_i, Brinson and Fachler (1985)
by (wp - wb)(Rb_i - Rb); selection is wb (Rp_i - Rb_i), interaction (wp - wb)(Rp_i - Rb_i). With
several levels (sector, industry) allocation is measured within the parent: against the benchmark's
weight scaled to what the portfolio holds of the parent, and the parent's return, so that levels
add up (Brinson-Fachler at each level). In every period the parts sum to Rp - Rb exactly.

A group that the benchmark does not hold has no return there, unless one is given (cash earns its
interest whoever holds it); else it counts as its parent's return, so that nothing is allocation
and all is selection.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError

WEIGHT_TOLERANCE = 1e-6


class AllocationModel(StrEnum):
    """How the top level's allocation is measured."""

    BRINSON_HOOD_BEEBOWER = "bhb"
    BRINSON_FACHLER = "bf"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelEffects:
    """Allocation among the groups of one level, (n_periods, n_groups)."""

    groups: tuple[str, ...]
    allocation: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class BrinsonEffects:
    """Effects by period; arrays of shape (n_periods, n_groups of the lowest level).

    Attributes
    ----------
    levels : tuple of LevelEffects
        From the top down.
    selection, interaction : ndarray
        In the groups of the lowest level.
    portfolio, benchmark : ndarray of shape (n_periods,)
        Returns of the period.
    """

    levels: tuple[LevelEffects, ...]
    selection: FloatArray
    interaction: FloatArray
    portfolio: FloatArray
    benchmark: FloatArray

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of `columns`: allocation by level, then the lowest level's rest."""
        allocation = [
            f"allocation|{depth}|{group}"
            for depth, level in enumerate(self.levels)
            for group in level.groups
        ]
        lowest = self.levels[-1].groups
        rest = [f"{effect}|{group}" for effect in ("selection", "interaction") for group in lowest]
        return (*allocation, *rest)

    @property
    def columns(self) -> FloatArray:
        """All effects side by side, (n_periods, n_effects); rows sum to the excess return."""
        allocation = [level.allocation for level in self.levels]
        return np.hstack([*allocation, self.selection, self.interaction])


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingSeries:
    """Weights at the start and returns over each period, (n_periods, n_holdings).

    Weights of a period sum to 1; cash is a holding. Returns may differ between portfolio and
    benchmark (trading within the period); a holding absent from one side has weight 0 there.

    Attributes
    ----------
    outside : ndarray of shape (n_periods, n_holdings), optional
        What a holding earns that the benchmark does not hold; NaN where that is unknown.
    """

    portfolio_weights: FloatArray
    benchmark_weights: FloatArray
    portfolio_returns: FloatArray
    benchmark_returns: FloatArray
    outside: FloatArray | None = None

    def __post_init__(self) -> None:
        shape = self.portfolio_weights.shape
        for name in ("benchmark_weights", "portfolio_returns", "benchmark_returns"):
            values = getattr(self, name)
            if values.shape != shape or len(shape) != 2:
                raise InvalidInputError(f"{name} has shape {values.shape}, weights have {shape}")
            if not np.isfinite(values).all():
                raise InvalidInputError(f"{name} must be finite: fill what is not held with 0")
        if self.outside is not None and self.outside.shape != shape:
            raise InvalidInputError(f"outside has shape {self.outside.shape}, weights have {shape}")
        for name in ("portfolio_weights", "benchmark_weights"):
            off = np.abs(getattr(self, name).sum(axis=1) - 1.0)
            if not (off <= WEIGHT_TOLERANCE).all():
                at = int(np.argmax(~(off <= WEIGHT_TOLERANCE)))
                raise InvalidInputError(
                    f"{name} of period {at} sum to {getattr(self, name)[at].sum():.6f}, not 1: "
                    "add cash as a holding, or scale them"
                )


def brinson(
    holdings: HoldingSeries,
    levels: Sequence[Sequence[str]],
    *,
    model: AllocationModel = AllocationModel.BRINSON_FACHLER,
) -> BrinsonEffects:
    """Split the excess return of every period.

    Parameters
    ----------
    levels : sequence of sequence of str
        From the top down, the group of each holding: sectors, then industries, ... A lower
        group must lie within one upper group.

    Raises
    ------
    InvalidInputError
        If a level has another number of holdings, or a group has two parents.
    """
    n_holdings = holdings.portfolio_weights.shape[1]
    if not levels or any(len(level) != n_holdings for level in levels):
        raise InvalidInputError(f"each level needs the group of all {n_holdings} holdings")
    parent = _root(holdings)
    above = np.zeros(n_holdings, dtype=np.int64)
    found: list[LevelEffects] = []
    for depth, labels in enumerate(levels):
        names, below = np.unique(np.asarray(labels), return_inverse=True)
        node = _nodes(holdings, below, len(names), parent, _parents(above, below, names))
        against_parent = depth > 0 or model is AllocationModel.BRINSON_FACHLER
        base = node.parent_return if against_parent else 0.0
        allocation = (node.portfolio - node.scaled) * (node.benchmark_return - base)
        found.append(LevelEffects(groups=tuple(str(name) for name in names), allocation=allocation))
        parent, above = node, below
    return BrinsonEffects(
        levels=tuple(found),
        selection=parent.scaled * parent.active,
        interaction=parent.earned
        - parent.portfolio * parent.benchmark_return
        - parent.scaled * parent.active,
        portfolio=(holdings.portfolio_weights * holdings.portfolio_returns).sum(axis=1),
        benchmark=(holdings.benchmark_weights * holdings.benchmark_returns).sum(axis=1),
    )


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Groups of one level, (n_periods, n_groups) each.

    `scaled` is the benchmark's weight scaled to the portfolio's holding of the parent; `earned`
    the portfolio's contribution; `active` its return less the benchmark's.
    """

    portfolio: FloatArray
    benchmark: FloatArray
    benchmark_return: FloatArray
    parent_return: FloatArray
    scaled: FloatArray
    earned: FloatArray
    active: FloatArray


def _root(holdings: HoldingSeries) -> _Nodes:
    total = (holdings.benchmark_weights * holdings.benchmark_returns).sum(axis=1, keepdims=True)
    one = np.ones_like(total)
    return _Nodes(one, one, total, total, one, total, total)


def _nodes(
    holdings: HoldingSeries, group: IntArray, n_groups: int, parent: _Nodes, parents: IntArray
) -> _Nodes:
    member = np.zeros((len(group), n_groups))
    member[np.arange(len(group)), group] = 1.0
    portfolio = holdings.portfolio_weights @ member
    benchmark = holdings.benchmark_weights @ member
    earned = (holdings.portfolio_weights * holdings.portfolio_returns) @ member
    benchmark_earned = (holdings.benchmark_weights * holdings.benchmark_returns) @ member
    parent_return = parent.benchmark_return[:, parents]
    outside = _outside(holdings.outside, member, otherwise=parent_return)
    rate = _quotient(benchmark_earned, benchmark, otherwise=outside)
    # Where the benchmark holds nothing of the parent there is no mix to compare with.
    share = _quotient(parent.portfolio[:, parents] * benchmark, parent.benchmark[:, parents],
                      otherwise=portfolio)  # fmt: skip
    own = _quotient(earned, portfolio, otherwise=rate)
    return _Nodes(portfolio, benchmark, rate, parent_return, share, earned, own - rate)


def _outside(
    returns: FloatArray | None, member: FloatArray, *, otherwise: FloatArray
) -> FloatArray:
    """Return what each group earns outside of the benchmark, (n_periods, n_groups)."""
    if returns is None:
        return otherwise
    known = np.isfinite(returns)
    sums = np.where(known, returns, 0.0) @ member
    return _quotient(sums, known @ member, otherwise=otherwise)


def _parents(above: IntArray, below: IntArray, names: FloatArray) -> IntArray:
    """Return the upper group of each lower one."""
    parents = np.zeros(len(names), dtype=np.int64)
    parents[below] = above
    if (parents[below] != above).any():
        at = int(np.argmax(parents[below] != above))
        raise InvalidInputError(
            f"group {str(names[below[at]])!r} lies in two groups of the level above"
        )
    return parents


def _quotient(top: FloatArray, bottom: FloatArray, *, otherwise: FloatArray) -> FloatArray:
    return np.divide(top, bottom, out=otherwise.copy(), where=bottom != 0.0)
