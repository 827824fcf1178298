"""The `PredictionLog` port on the database; a trial's begin and end leave rows in `audit`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from basics.errors import ConflictError, MissingDataError
from infra.database.engine import Database
from infra.database.statements import insert_new
from infra.database.tables.predictions import arm_plans, served_predictions
from infra.database.tables.results import audit
from models.arms import Arm, ArmPlan, Mode, Unit
from services.ports import ServedPrediction, StandingPlan

_KEPT = served_predictions.c


@dataclass(frozen=True, slots=True)
class DatabasePredictionLog:
    """Keeps served predictions and trials in tables."""

    database: Database

    def append(self, rows: Sequence[ServedPrediction]) -> int:
        """Keep the answers that are not there yet; return how many were new."""
        if not rows:
            return 0
        with self.database.transaction() as connection:
            return insert_new(connection, served_predictions, [asdict(row) for row in rows])

    def rows(
        self, model: str, *, since: date | None = None, plan_id: str | None = None
    ) -> Sequence[ServedPrediction]:
        """Return what was answered from `since` on, by session, entity, version and arm."""
        query = sa.select(served_predictions).where(_KEPT.model == model)
        if since is not None:
            query = query.where(_KEPT.session >= since)
        if plan_id is not None:
            query = query.where(_KEPT.plan_id == plan_id)
        query = query.order_by(_KEPT.session, _KEPT.entity, _KEPT.version, _KEPT.arm)
        with self.database.reading() as connection:
            found = connection.execute(query).mappings()
            return [ServedPrediction(**{**row, "arm": Arm(row["arm"])}) for row in found]

    def waiting(self, model: str) -> Sequence[tuple[str, date]]:
        """Return each (entity, session) with an answer whose outcome is not known, sorted."""
        query = (
            sa.select(_KEPT.entity, _KEPT.session)
            .where(_KEPT.model == model, _KEPT.outcome.is_(None))
            .distinct()
            .order_by(_KEPT.session, _KEPT.entity)
        )
        with self.database.reading() as connection:
            return [(entity, session) for entity, session in connection.execute(query)]

    def join(self, model: str, outcomes: Mapping[tuple[str, date], float]) -> int:
        """Write the outcomes on every answer that waits for one; return how many it told."""
        if not outcomes:
            return 0
        change = (
            sa.update(served_predictions)
            .where(
                _KEPT.model == model,
                _KEPT.entity == sa.bindparam("of_entity"),
                _KEPT.session == sa.bindparam("of_session"),
                _KEPT.outcome.is_(None),
            )
            .values(outcome=sa.bindparam("told"))
        )
        with self.database.transaction() as connection:
            # One by one: the driver counts no rows of many statements sent at once.
            return sum(
                connection.execute(
                    change, {"of_entity": entity, "of_session": session, "told": value}
                ).rowcount
                for (entity, session), value in outcomes.items()
            )

    def prune(self, *, before: date) -> int:
        """Remove the answers on sessions before a day; return how many."""
        with self.database.transaction() as connection:
            gone = sa.delete(served_predictions).where(_KEPT.session < before)
            return connection.execute(gone).rowcount

    def start(self, standing: StandingPlan) -> None:
        """Begin a trial; `ConflictError` while another of the model runs."""
        plan = standing.plan
        with self.database.transaction() as connection:
            # Two processes may begin one at the same time: one of them waits here.
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("LOCK TABLE arm_plans IN EXCLUSIVE MODE"))
            running = self.plan(plan.model)
            if running is not None:
                raise ConflictError(
                    f"trial {running.plan.plan_id} of {plan.model} runs since "
                    f"{running.started_at:%Y-%m-%d}: end it first"
                )
            connection.execute(arm_plans.insert(), [_row(standing)])
            _tell(connection, standing.started_by, "start", plan, standing.started_at)

    def end(self, model: str, *, by: str, at: datetime) -> StandingPlan:
        """End the model's trial and return it; `MissingDataError` if none runs."""
        with self.database.transaction() as connection:
            running = self.plan(model)
            if running is None:
                raise MissingDataError(f"no trial of {model} runs: start one first")
            change = sa.update(arm_plans).where(arm_plans.c.plan_id == running.plan.plan_id)
            connection.execute(change.values(ended_at=at, ended_by=by))
            _tell(connection, by, "end", running.plan, at)
        return self.plans(model)[-1]

    def plan(self, model: str) -> StandingPlan | None:
        """Return the trial of the model that runs, if any."""
        return next((p for p in reversed(self.plans(model)) if p.ended_at is None), None)

    def plans(self, model: str) -> Sequence[StandingPlan]:
        """Return every trial of the model, oldest first."""
        query = (
            sa.select(arm_plans)
            .where(arm_plans.c.model == model)
            .order_by(arm_plans.c.started_at, arm_plans.c.plan_id)
        )
        with self.database.reading() as connection:
            return [_standing(row) for row in connection.execute(query).mappings()]


def _row(standing: StandingPlan) -> dict[str, Any]:
    times = ("started_at", "started_by", "ended_at", "ended_by")
    return asdict(standing.plan) | {name: getattr(standing, name) for name in times}


def _standing(row: sa.RowMapping) -> StandingPlan:
    return StandingPlan(
        plan=ArmPlan(
            plan_id=row["plan_id"],
            model=row["model"],
            mode=Mode(row["mode"]),
            control=row["control"],
            treatment=row["treatment"],
            share=row["share"],
            unit=Unit(row["unit"]),
        ),
        started_at=row["started_at"],
        started_by=row["started_by"],
        ended_at=row["ended_at"],
        ended_by=row["ended_by"],
    )


def _tell(connection: sa.Connection, actor: str, action: str, plan: ArmPlan, at: datetime) -> None:
    entry = {
        "at": at,
        "actor": actor,
        "action": action,
        "subject": f"trial {plan.plan_id} of {plan.model}",
        "detail": {key: str(value) for key, value in asdict(plan).items()},
    }
    connection.execute(audit.insert(), [entry])
