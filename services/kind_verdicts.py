"""The seven kinds beside their naive baselines, as the registry's verdicts tell it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services import model_documents as documents
from services.kind_training import KINDS
from services.ports import ModelRegistry, ModelVersion
from services.promotion import CHAMPION

IN_BAND = (0.88, 0.92)
SAYS: Mapping[str, str] = {
    "price": "return over 5 sessions beside the peers",
    "volatility": "variance of 5 sessions over EWMA's",
    "regime": "the market's state, and its variance",
    "risk": "value at risk and expected shortfall, 97.5%",
    "sizing": "fraction of equity to hold",
    "signal": "whether the price model's bet gains",
    "anomaly": "how strange a bar is",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KindVerdict:
    """One kind: who reigns, and how the newest candidate did against the naive baseline.

    Attributes
    ----------
    candidate, champion : str
        Estimators; the champion of a kind never trained is empty.
    candidate_loss, baseline_loss, statistic, p_value : float or None
        Diebold-Mariano, one-sided, on the same sessions out of sample; None before training.
    wins : bool
        The candidate beat the baseline; else the champion stays the baseline.
    years, years_outside : int
        Calendar years with intervals, and those whose coverage lies outside 88% to 92%.
    """

    kind: str
    foretells: str
    baseline: str = ""
    candidate: str = ""
    champion: str = ""
    metric: str = ""
    candidate_loss: float | None = None
    baseline_loss: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    sessions: int = 0
    trials: int = 0
    wins: bool = False
    promoted: bool = False
    interval_method: str = ""
    years: int = 0
    years_outside: int = 0
    summary: str = ""


def kind_verdicts(registry: ModelRegistry) -> tuple[KindVerdict, ...]:
    """Return a row for each of the seven kinds, trained or not."""
    names = set(registry.names())
    return tuple(_verdict(registry, kind) if kind in names else _untrained(kind) for kind in KINDS)


def _verdict(registry: ModelRegistry, kind: str) -> KindVerdict:
    judged = [v for v in registry.versions(kind) if documents.EVALUATION in v.sha256]
    if not judged:
        return _untrained(kind)
    newest = judged[-1]
    stored = documents.read_evaluation(registry.read(newest, documents.EVALUATION))
    verdict = stored.verdict
    row = next(e for e in verdict.evidence if e.rival == verdict.baseline)
    low, high = IN_BAND
    return KindVerdict(
        kind=kind,
        foretells=SAYS[kind],
        baseline=verdict.baseline,
        candidate=newest.estimator,
        champion=_champion(registry, kind).estimator,
        metric=row.metric,
        candidate_loss=row.candidate_loss,
        baseline_loss=row.rival_loss,
        statistic=row.statistic,
        p_value=row.p_value,
        sessions=row.sessions,
        trials=verdict.trials,
        wins=row.candidate_wins,
        promoted=verdict.promoted,
        interval_method=stored.interval_method,
        years=len(stored.coverage),
        years_outside=sum(not low <= year.share <= high for year in stored.coverage),
        summary=verdict.summary,
    )


def _champion(registry: ModelRegistry, kind: str) -> ModelVersion:
    return registry.resolve(kind, CHAMPION)


def _untrained(kind: str) -> KindVerdict:
    return KindVerdict(
        kind=kind,
        foretells=SAYS[kind],
        summary=f"not trained yet: `quantdesk models train {kind}`",
    )


def in_words(rows: Sequence[KindVerdict]) -> str:
    """Say which kinds beat their baseline, which do not, and which were not trained."""
    won = [r.kind for r in rows if r.wins]
    lost = [r.kind for r in rows if r.candidate and not r.wins]
    unknown = [r.kind for r in rows if not r.candidate]
    parts = [
        f"beat their baseline: {', '.join(won)}" if won else "",
        f"do not, and their champion is the baseline: {', '.join(lost)}" if lost else "",
        f"not trained yet: {', '.join(unknown)}" if unknown else "",
    ]
    return "; ".join(filter(None, parts))
