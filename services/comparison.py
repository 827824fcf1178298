"""Hold two versions against each other on the same rows, out of sample and as time goes on."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.errors import InvalidInputError
from measures.evidence import diebold_mariano
from measures.evidence_bootstrap import Interval, mean_interval
from measures.evidence_sequential import SequentialTest, sequential_test
from services.kind_losses import loss_differences, loss_series
from services.model_documents import Manifest
from services.paired_rows import REPLAY_SESSIONS, PairedRows, manifest_of, paired_rows
from services.ports import ModelRegistry, ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One figure of both versions.

    Attributes
    ----------
    difference : Interval
        First less second, with its block-bootstrap interval.
    first_is_better : bool or None
        None when the interval holds zero: a tie.
    """

    name: str
    first: float
    second: float
    difference: Interval
    first_is_better: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelComparison:
    """Two versions on their common rows.

    Attributes
    ----------
    p_value : float
        Diebold-Mariano on the loss of the kind, two-sided.
    replay : SequentialTest
        What an always-valid test on the profit's loss would have said, session by session, over
        the last two years.
    """

    first: str
    second: str
    sessions: int
    rows: int
    first_session: date
    last_session: date
    measured: tuple[Measured, ...]
    p_value: float
    replay: SequentialTest
    verdict: str


class Comparison:
    """Compares registered versions by their stored out-of-sample predictions."""

    def __init__(self, registry: ModelRegistry, *, seed: int) -> None:
        self._registry = registry
        self._seed = seed

    def compare(self, name: str, first: str | int, second: str | int) -> ModelComparison:
        """Compare two versions of `name`, given by alias or number.

        Raises
        ------
        MissingDataError
            If a version is unknown, or the two share no predicted row.
        InvalidInputError
            If both are the same version.
        """
        one, other = self._registry.resolve(name, first), self._registry.resolve(name, second)
        if one.version == other.version:
            raise InvalidInputError(f"{first} and {second} are both {one.label}: name two versions")
        rows = paired_rows(self._registry, one, other)
        manifest = manifest_of(self._registry, one, other)
        return _judge(one, other, rows, manifest=manifest, seed=self._seed)


def _judge(
    one: ModelVersion, other: ModelVersion, rows: PairedRows, *, manifest: Manifest, seed: int
) -> ModelComparison:
    generator = np.random.default_rng(seed)
    horizon = manifest.horizon
    series = loss_series(rows, manifest)
    measured = []
    for name, (a, b, sign) in series.items():
        interval = mean_interval(a - b, block=2.0 * horizon, generator=generator)
        tied = interval.low <= 0.0 <= interval.high
        measured.append(
            Measured(
                name=name,
                first=float(a.mean()),
                second=float(b.mean()),
                difference=interval,
                first_is_better=None if tied else sign * interval.estimate > 0,
            )
        )
    first, second, _ = next(iter(series.values()))
    replay = sequential_test(loss_differences(rows.last(REPLAY_SESSIONS), manifest)[2])
    days = rows.sessions.astype(object)
    return ModelComparison(
        first=one.label,
        second=other.label,
        sessions=len(days),
        rows=int(np.isfinite(rows.first).sum()),
        first_session=days[0],
        last_session=days[-1],
        measured=tuple(measured),
        p_value=diebold_mariano(first, second, horizon=horizon).p_value_two_sided,
        replay=replay,
        verdict=_in_words(one, other, measured, replay),
    )


def _in_words(
    one: ModelVersion, other: ModelVersion, measured: list[Measured], replay: SequentialTest
) -> str:
    parts = []
    for figure in measured:
        if figure.first_is_better is None:
            parts.append(f"tie on {figure.name}")
        else:
            better = one if figure.first_is_better else other
            parts.append(f"{better.label} is better on {figure.name}")
    ended = "would still run" if replay.decided_at is None else f"ended at step {replay.decided_at}"
    return f"{'; '.join(parts)}; the sequential test {ended}"
