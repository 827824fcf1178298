"""Trials of two versions in service: begun, judged as outcomes become known, replayed.

The verdict may be looked at after every session: the test behind it is always valid. A replay
sends the predictions that both versions made out of sample through the same split and the same
test, as if the trial had run over the sample's last two years.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from basics.clock import Clock
from basics.errors import QuantDeskError
from basics.identifiers import content_hash
from measures.evidence_sequential import BURN_IN, SequentialTest, sequential_test
from models.arms import Arm, ArmPlan, Mode, Unit
from services.kind_losses import loss_differences
from services.model_documents import OUTCOME, Manifest
from services.paired_rows import (
    FIRST,
    REPLAY_SESSIONS,
    SECOND,
    PairedRows,
    manifest_of,
    paired_rows,
)
from services.ports import (
    ModelRegistry,
    ModelVersion,
    PredictionLog,
    ServedPrediction,
    StandingPlan,
)
from services.promotion import CHALLENGER, CHAMPION, SHADOW


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialVerdict:
    """What a trial says by now.

    Attributes
    ----------
    control_answers, treatment_answers : int
        Answers of each version whose outcome is known.
    loss : str
        What the versions are told apart by: the profit where the kind is traded.
    days : tuple of date
        The session of each observation.
    test : SequentialTest or None
        Of control's loss less treatment's; None while observations are too few.
    """

    plan: ArmPlan
    control: str
    treatment: str
    control_answers: int
    treatment_answers: int
    loss: str
    days: tuple[date, ...]
    test: SequentialTest | None
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialState:
    """A trial that runs, and what it says.

    Attributes
    ----------
    void : str
        Why it answers no more; empty while it does.
    """

    standing: StandingPlan
    void: str
    verdict: TrialVerdict


class ArmTrials:
    """Begins, ends and judges trials of registered versions."""

    def __init__(self, registry: ModelRegistry, log: PredictionLog, clock: Clock) -> None:
        self._registry = registry
        self._log = log
        self._clock = clock

    def start(
        self,
        model: str,
        *,
        mode: Mode,
        treatment: str | int = CHALLENGER,
        share: float = 0.5,
        unit: Unit = Unit.ENTITY,
        by: str,
    ) -> StandingPlan:
        """Begin a trial of `treatment` against the reigning champion.

        Raises
        ------
        MissingDataError, InvalidInputError
            If a version is unknown, or is the champion itself.
        ConflictError
            If a trial of the model runs already.
        """
        control = self._registry.resolve(model, CHAMPION)
        other = self._registry.resolve(model, treatment)
        manifest_of(self._registry, other, control)  # Without one it could never be judged.
        now = self._clock.now()
        plan = _plan(control, other, mode=mode, share=share, unit=unit, at=now)
        standing = StandingPlan(plan=plan, started_at=now, started_by=by)
        self._log.start(standing)
        try:
            self._point_shadow(plan, other.version if mode is Mode.SHADOW else None, "begun")
        except QuantDeskError:
            self._log.end(model, by="could not be begun", at=now)
            raise
        return standing

    def end(self, model: str, *, by: str) -> StandingPlan:
        """End the model's trial and return it; what was logged stays.

        The alias `shadow` goes with it.

        Raises
        ------
        MissingDataError
            If none runs.
        """
        ended = self._log.end(model, by=by, at=self._clock.now())
        self._point_shadow(ended.plan, None, "ended")
        return ended

    def _point_shadow(self, plan: ArmPlan, version: int | None, what: str) -> None:
        """Let the alias `shadow` mean the version that answers unseen, or none."""
        stands = self._registry.aliases(plan.model).get(SHADOW)
        if stands != version:
            reason = f"trial {plan.plan_id} {what}"
            self._registry.move_alias(plan.model, SHADOW, version, expected=stands, reason=reason)

    def state(self, model: str) -> TrialState | None:
        """Return the trial that runs and what the outcomes known so far say; None without."""
        standing = self._log.plan(model)
        if standing is None:
            return None
        plan = standing.plan
        control = self._registry.resolve(model, plan.control)
        treatment = self._registry.resolve(model, plan.treatment)
        champion = self._registry.resolve(model, CHAMPION)
        void = (
            ""
            if champion.version == plan.control
            else f"{champion.label} reigns by now: the trial answers no more, end it"
        )
        rows = self._log.rows(model, plan_id=plan.plan_id)
        manifest = manifest_of(self._registry, treatment, control)
        return TrialState(
            standing=standing,
            void=void,
            verdict=_judge(plan, _paired(plan, rows), manifest, control, treatment),
        )

    def replay(
        self, model: str, *, treatment: str | int = CHALLENGER
    ) -> tuple[TrialVerdict, TrialVerdict]:
        """Return what a shadow and a split by entity would have said over the last two years.

        Raises
        ------
        MissingDataError
            If a version is unknown, or the two share no predicted row.
        """
        control = self._registry.resolve(model, CHAMPION)
        other = self._registry.resolve(model, treatment)
        rows = paired_rows(self._registry, control, other).last(REPLAY_SESSIONS)
        manifest = manifest_of(self._registry, other, control)
        shadow, split = (
            _judge(plan, split_rows(plan, rows), manifest, control, other)
            for mode in (Mode.SHADOW, Mode.SPLIT)
            for plan in [_plan(control, other, mode=mode, share=0.5, unit=Unit.ENTITY, at=None)]
        )
        return shadow, split


def split_rows(plan: ArmPlan, rows: PairedRows) -> PairedRows:
    """Return what of `rows` each arm would have answered; NaN elsewhere."""
    if plan.mode is Mode.SHADOW:
        return rows
    days: list[date] = rows.sessions.astype(object).tolist()
    second = np.array(
        [[plan.arm_of(symbol, day) is Arm.CHALLENGER for day in days] for symbol in rows.symbols]
    )
    return PairedRows(
        rows.symbols,
        rows.sessions,
        rows.outcome,
        np.where(second, np.nan, rows.first),
        np.where(second, rows.second, np.nan),
        rows.beside,
    )


def _plan(
    control: ModelVersion,
    treatment: ModelVersion,
    *,
    mode: Mode,
    share: float,
    unit: Unit,
    at: datetime | None,
) -> ArmPlan:
    """Return the plan; without a moment it is a replay's, the same each time."""
    moment = at.isoformat() if at else "replay"
    key = content_hash(control.input_key, treatment.input_key, str(mode), share, str(unit), moment)
    return ArmPlan(
        plan_id=key[:12],
        model=control.name,
        mode=mode,
        control=control.version,
        treatment=treatment.version,
        share=share,
        unit=unit,
    )


def _paired(plan: ArmPlan, rows: Sequence[ServedPrediction]) -> PairedRows | None:
    """Return the answers with a known outcome as grids, None where there are none."""
    known = [row for row in rows if row.outcome is not None]
    if not known:
        return None
    table = pl.DataFrame(
        {
            "symbol": [row.entity for row in known],
            "session": [row.session for row in known],
            OUTCOME: [row.outcome for row in known],
            FIRST: [row.value if row.version == plan.control else None for row in known],
            SECOND: [row.value if row.version == plan.treatment else None for row in known],
        },
        schema_overrides={FIRST: pl.Float64, SECOND: pl.Float64},
    )
    merged = table.group_by("symbol", "session").agg(
        pl.col(OUTCOME).first(), pl.col(FIRST).max(), pl.col(SECOND).max()
    )
    return PairedRows.of(merged)


def _judge(
    plan: ArmPlan,
    rows: PairedRows | None,
    manifest: Manifest,
    control: ModelVersion,
    treatment: ModelVersion,
) -> TrialVerdict:
    if rows is None:
        loss, sessions, differences = manifest.metric, np.array([], "datetime64[D]"), np.empty(0)
    else:
        loss, sessions, differences = loss_differences(rows, manifest)
    test = sequential_test(differences) if len(differences) > BURN_IN else None
    days: tuple[date, ...] = tuple(sessions.astype(object).tolist())
    return TrialVerdict(
        plan=plan,
        control=control.label,
        treatment=treatment.label,
        control_answers=0 if rows is None else int(np.isfinite(rows.first).sum()),
        treatment_answers=0 if rows is None else int(np.isfinite(rows.second).sum()),
        loss=loss,
        days=days,
        test=test,
        verdict=_in_words(control, treatment, loss, days, test),
    )


def _in_words(
    control: ModelVersion,
    treatment: ModelVersion,
    loss: str,
    days: Sequence[date],
    test: SequentialTest | None,
) -> str:
    if test is None:
        return f"{len(days)} of at least {BURN_IN + 1} observations: too early to say"
    if test.decided_at is None:
        return (
            f"undecided on {loss} after {len(days)} observations (p {test.p_values[-1]:.3f}): "
            "neither is shown to be better, the trial would still run"
        )
    at = test.decided_at - 1
    better = treatment if test.low[at] + test.high[at] > 0 else control
    return (
        f"{better.label} is better on {loss}: decided after {test.decided_at} observations, "
        f"on {days[at]} (p {test.p_values[-1]:.3f})"
    )
