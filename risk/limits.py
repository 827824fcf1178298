"""Limits: what the book may be, and the only place where that is evaluated.

Controls before a trade, the risk report and the alerts all call `evaluate` on observations of
the same metrics, so they can never disagree. A limit has three thresholds (warn < soft < hard);
an override raises the hard one for a while, with a reason and an end.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from basics.errors import InvalidInputError


class Scope(StrEnum):
    """What a limit binds."""

    FUND = "fund"
    PORTFOLIO = "portfolio"
    STRATEGY = "strategy"
    ACCOUNT = "account"
    SYMBOL = "symbol"
    SECTOR = "sector"
    FACTOR = "factor"


class LimitState(StrEnum):
    """The highest threshold that was passed, mildest first."""

    OK = "ok"
    WARN = "warn"
    SOFT = "soft"
    HARD = "hard"


EVERY = "*"
_SEVERITY = {state: rank for rank, state in enumerate(LimitState)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A hard threshold raised for a while.

    Attributes
    ----------
    expires : date
        Last day on which it holds.
    """

    hard: float
    reason: str
    granted_by: str
    expires: date

    def __post_init__(self) -> None:
        if not self.reason or not self.granted_by:
            raise InvalidInputError("an override needs a reason and who granted it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One row of the register.

    Attributes
    ----------
    metric : str
        What is measured, for example `value_at_risk_99`.
    name : str
        Which portfolio, symbol or sector; `*` binds each one on its own.
    warn, soft, hard : float
        Thresholds on the absolute value, 0 < warn <= soft <= hard.
    unit : str
        Unit of the thresholds, for people.
    owner : str
        Who answers for it.
    """

    metric: str
    scope: Scope
    warn: float
    soft: float
    hard: float
    owner: str
    name: str = EVERY
    unit: str = "fraction of equity"
    override: Override | None = None

    def __post_init__(self) -> None:
        label = f"{self.metric} of {self.scope} {self.name}"
        if not 0.0 < self.warn <= self.soft <= self.hard < np.inf:
            raise InvalidInputError(
                f"limit {label}: 0 < warn <= soft <= hard is needed, "
                f"got {self.warn}, {self.soft}, {self.hard}"
            )
        if self.override is not None and not self.override.hard > self.hard:
            raise InvalidInputError(
                f"limit {label}: an override of {self.override.hard} does not raise {self.hard}"
            )

    def hard_on(self, day: date) -> float:
        """Return the hard threshold in force on `day`."""
        if self.override is not None and day <= self.override.expires:
            return self.override.hard
        return self.hard

    def binds(self, observation: "Observation") -> bool:
        """Return whether this limit is about that observation."""
        return (
            self.metric == observation.metric
            and self.scope is observation.scope
            and self.name in (EVERY, observation.name)
        )


@dataclass(frozen=True, slots=True)
class Observation:
    """One metric as measured, signed."""

    metric: str
    scope: Scope
    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitCheck:
    """One limit held against one observation.

    Attributes
    ----------
    utilisation : float
        |value| / hard threshold in force.
    """

    metric: str
    scope: str
    name: str
    value: float
    unit: str
    warn: float
    soft: float
    hard: float
    utilisation: float
    state: LimitState
    owner: str
    override_reason: str | None = None

    @property
    def breached(self) -> bool:
        """Whether the soft or the hard threshold was passed."""
        return self.state in (LimitState.SOFT, LimitState.HARD)


class LimitSet:
    """Limits in force, found by metric and scope: what controls ask for each order."""

    def __init__(self, limits: Iterable[Limit]) -> None:
        self._rows: dict[tuple[str, Scope], list[Limit]] = {}
        for limit in limits:
            self._rows.setdefault((limit.metric, limit.scope), []).append(limit)

    def limits(self, metric: str, scope: Scope) -> bool:
        """Whether any limit is on that metric in that scope."""
        return (metric, scope) in self._rows

    def check(self, observations: Iterable[Observation], *, as_of: date) -> tuple[LimitCheck, ...]:
        """Hold every observation against every limit that binds it, worst utilisation first.

        A limit on one name takes the place of the `*` limit of the same metric and scope.

        Raises
        ------
        InvalidInputError
            If an observed value is not finite: a limit that cannot be judged must not pass.
        """
        checks: list[LimitCheck] = []
        for observation in observations:
            if not math.isfinite(observation.value):
                raise InvalidInputError(
                    f"{observation.metric} of {observation.name} is {observation.value}: "
                    "a limit cannot be judged on it"
                )
            rows = self._rows.get((observation.metric, observation.scope), ())
            binding = [limit for limit in rows if limit.binds(observation)]
            named = [limit for limit in binding if limit.name != EVERY]
            checks.extend(_check(limit, observation, as_of) for limit in named or binding)
        return tuple(sorted(checks, key=lambda c: (-c.utilisation, c.metric, c.name)))


def evaluate(
    limits: Iterable[Limit], observations: Iterable[Observation], *, as_of: date
) -> tuple[LimitCheck, ...]:
    """Hold observations against limits, as `LimitSet.check`."""
    return LimitSet(limits).check(observations, as_of=as_of)


def worst_state(checks: Iterable[LimitCheck]) -> LimitState:
    """Return the most severe state, OK when nothing was checked."""
    return max((c.state for c in checks), key=_SEVERITY.__getitem__, default=LimitState.OK)


def _check(limit: Limit, observation: Observation, as_of: date) -> LimitCheck:
    size, hard = abs(observation.value), limit.hard_on(as_of)
    overridden = hard > limit.hard
    # While an override holds it raises the soft threshold with it, or it would relieve nothing.
    soft = hard if overridden else limit.soft
    state = LimitState.OK
    for threshold, passed in ((limit.warn, LimitState.WARN), (soft, LimitState.SOFT)):
        state = passed if size > threshold else state
    if size > hard:
        state = LimitState.HARD
    return LimitCheck(
        metric=observation.metric,
        scope=observation.scope.value,
        name=observation.name,
        value=observation.value,
        unit=limit.unit,
        warn=limit.warn,
        soft=soft,
        hard=hard,
        utilisation=size / hard,
        state=state,
        owner=limit.owner,
        override_reason=limit.override.reason if overridden and limit.override else None,
    )
