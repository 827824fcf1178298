"""Who is held against whom, by which rules, and the form of the verdict.

Values alone; `models.comparison` judges them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """What a candidate must show.

    Attributes
    ----------
    significance : float
        Highest p-value of the Diebold-Mariano tests and of Hansen's SPA.
    min_deflated_sharpe : float
        Least probability that the Sharpe ratio is better than luck over all trials.
    max_overfitting : float
        Highest probability of backtest overfitting.
    """

    significance: float = 0.05
    min_deflated_sharpe: float = 0.95
    max_overfitting: float = 0.20
    bootstrap_resamples: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """What one model did on the common rows out of sample.

    Attributes
    ----------
    losses : ndarray of shape (n_sessions,)
        Loss of each session; smaller is better.
    returns : ndarray of shape (n_periods,) or None
        Net return of each non-overlapping period, for kinds that are judged by profit too.
    sessions : ndarray of shape (n_sessions,), int64, or None
        Positions of the sessions in the panel, where they are known.
    """

    name: str
    losses: FloatArray
    returns: FloatArray | None = None
    sessions: IntArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """All that was ever tried: how many configurations, and how their Sharpe ratios vary."""

    count: int
    sharpe_variance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalEvidence:
    """The candidate against one rival.

    Attributes
    ----------
    candidate_loss, rival_loss : float
        Mean losses over the common sessions.
    statistic, p_value : float
        Diebold-Mariano, one-sided: small when the candidate is better.
    """

    rival: str
    metric: str
    candidate_loss: float
    rival_loss: float
    statistic: float
    p_value: float
    p_value_two_sided: float
    sessions: int
    candidate_wins: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the gate, and whether it held."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """May the candidate take the champion's place, and why.

    Attributes
    ----------
    promoted : bool
        True when every rule held.
    baseline_wins : bool
        True when the candidate did not beat the naive baseline.
    """

    candidate: str
    champion: str
    baseline: str
    promoted: bool
    baseline_wins: bool
    summary: str
    rules: tuple[Rule, ...]
    evidence: tuple[RivalEvidence, ...]
    trials: int
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Who is held against whom, on which loss.

    Attributes
    ----------
    others : tuple of Contender
        The rest of what was tried on these rows; they widen the family of the tests.
    horizon : int
        Steps ahead of the forecasts: overlapping errors reach horizon - 1 sessions.
    metric : str
        Name of the loss.
    simulated : frozenset of str
        The simulated fields that the forecasts rest on: with any, nobody is promoted.
    renews : Contender or None
        The reigning version of the candidate's own method on older data, which the candidate may
        not fall behind; the rest of the gate then asks whether the method still earns its place.
    paths : mapping of str to ndarray of shape (n_paths, n_periods)
        Net returns of each model along combinatorial purged paths, for traded kinds.
    """

    candidate: Contender
    champion: Contender
    baseline: Contender
    others: tuple[Contender, ...] = ()
    renews: Contender | None = None
    horizon: int = 1
    metric: str = "loss"
    simulated: frozenset[str] = frozenset()
    paths: Mapping[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.candidate.name in {self.champion.name, self.baseline.name}:
            raise InvalidInputError(f"{self.candidate.name} cannot be judged against itself")
        if len({len(contender.losses) for contender in self.field}) != 1:
            raise InvalidInputError("contenders stand on different sessions: align them first")

    @property
    def field(self) -> list[Contender]:
        """Every contender once, the candidate first."""
        renewed = () if self.renews is None else (self.renews,)
        everyone = [self.candidate, self.champion, self.baseline, *renewed, *self.others]
        return list({contender.name: contender for contender in everyone}.values())
