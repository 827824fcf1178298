"""What the risk of a book is computed from: plain values, gathered by the caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import InvalidInputError
from market.panel import Panel
from risk.book import Holding
from risk.score import Level


@dataclass(frozen=True, slots=True)
class History:
    """A number for each session, sessions ascending."""

    sessions: DateArray
    values: FloatArray

    def __post_init__(self) -> None:
        if self.sessions.shape != self.values.shape or self.values.ndim != 1:
            raise InvalidInputError(
                f"sessions {self.sessions.shape} and values {self.values.shape} must match"
            )
        if not np.isfinite(self.values).all():
            raise InvalidInputError("a history must be finite: drop the missing sessions")


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousRisk:
    """What was published for the book ahead of today.

    Attributes
    ----------
    lookback : int or None
        Sessions behind its estimates; None where the document does not say.
    value_at_risk : float or None
        The 99% VaR behind its limits, None where there was none.
    """

    as_of: date
    level: Level
    lookback: int | None
    value_at_risk: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskInputs:
    """One book on one date, and the market it lives in.

    Attributes
    ----------
    scope : str
        The portfolio's name.
    holdings : mapping of str to Holding
        Signed quantity and market value (base currency) by symbol.
    prices : Panel
        Field `close`, up to and including `as_of`; all symbols of the universe, held or not.
    equity : History
        Net asset value at each close of the book's life; the last is today's.
    sectors : mapping of str to str
    exposures : Panel or None
        Field `exposure`: signed market value of each symbol at each close of the book's life;
        sessions as in `equity`. None when unknown: today's book is then held constant.
    yields : mapping of str to History
        Monthly yields as fractions, for example AAA and BAA.
    benchmark : History or None
        Daily benchmark returns; None takes the equally weighted universe of `prices`.
    daily_notional : mapping of str to float
        Money traded a day by symbol, where known.
    volume_simulated : bool
        Whether `daily_notional` rests on simulated volume.
    previous : PreviousRisk or None
        The profile last published: for the hysteresis, and the question why risk moved.
    strategies : mapping of str to mapping of str to float
        Signed market value by symbol of each strategy; empty where it is not known.
    factors : mapping of str to History
        Daily returns of the factors that risk is split by.
    fund : str or None
        To which the portfolio belongs.
    accounts : mapping of str to mapping of str to float
        Signed market value by symbol of each account; empty where it is not known.
    """

    scope: str
    as_of: date
    holdings: Mapping[str, Holding]
    prices: Panel
    equity: History
    sectors: Mapping[str, str]
    exposures: Panel | None = None
    yields: Mapping[str, History] = field(default_factory=dict)
    benchmark: History | None = None
    daily_notional: Mapping[str, float] = field(default_factory=dict)
    volume_simulated: bool = False
    currency: str = "USD"
    previous: PreviousRisk | None = None
    strategies: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    factors: Mapping[str, History] = field(default_factory=dict)
    fund: str | None = None
    accounts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.equity.values) or not self.equity.values[-1] > 0:
            raise InvalidInputError(
                f"{self.scope}: equity must be known and positive today, "
                f"got {self.equity.values[-1:].tolist()}"
            )
        last = self.prices.sessions[-1]
        if last > np.datetime64(self.as_of, "D"):
            raise InvalidInputError(
                f"{self.scope}: prices run to {last}, after {self.as_of}: cut them with `until`"
            )
