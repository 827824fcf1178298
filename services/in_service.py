"""Who answers for a model now, and what it says of a panel: one path for every way of asking.

The API, the day's batch and the stream ask here which versions take part, so that a trial is the
same trial wherever a row comes from.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from basics.errors import InvalidInputError, QuantDeskError
from features.panel import FeaturePanel
from models.arms import Arm, ArmPlan, Mode
from services.ports import PredictionLog, ServedPrediction
from services.predictions import Predictions, ServedModel
from services.promotion import CHALLENGER, CHAMPION


@dataclass(frozen=True, slots=True)
class InService:
    """The champion, and the version that is tried beside it.

    Attributes
    ----------
    plan : ArmPlan or None
        The trial that runs; without one the treatment rides along unseen.
    hindrance : str
        Why a trial that was begun takes no part; empty without hindrance.
    """

    model: ServedModel
    plan: ArmPlan | None = None
    treatment: ServedModel | None = None
    hindrance: str = ""

    @property
    def splits(self) -> bool:
        """Whether some rows are answered by the treatment."""
        return self.plan is not None and self.plan.mode is Mode.SPLIT


def in_service(
    predictions: Predictions, log: PredictionLog, name: str, *, ride_along: bool = False
) -> InService:
    """Return who answers for the champion of `name`.

    Whatever is wrong with the version on trial, the champion answers.

    Parameters
    ----------
    ride_along : bool
        Without a trial, let the challenger (if there is one) answer unseen.

    Raises
    ------
    MissingDataError, RefusedError
        If there is no champion, or its file was tampered with.
    """
    model = predictions.served(name, CHAMPION)
    try:
        standing = log.plan(name)
        if standing is None:
            treatment = predictions.served(name, CHALLENGER) if ride_along else None
            same = treatment is not None and treatment.version.version == model.version.version
            return InService(model, treatment=None if same else treatment)
        if standing.plan.control != model.version.version:
            # It would compare what it was not meant to.
            return InService(model, hindrance=f"{model.version.label} reigns by now")
        return InService(model, standing.plan, predictions.served(name, standing.plan.treatment))
    except QuantDeskError as error:
        return InService(model, hindrance=str(error))


def answer_panel(
    serving: InService, features: FeaturePanel, *, at: datetime
) -> list[ServedPrediction]:
    """Return what each version says of every known cell of a panel, in its role.

    Raises
    ------
    InvalidInputError
        If the champion was trained on another feature set.
    """
    found = _told(serving, features, serving.model, Arm.CHAMPION, at)
    if serving.treatment is not None:
        arm = serving.plan.second_arm if serving.plan else Arm.SHADOW
        # Trained on other features than the champion, it cannot take part here.
        with suppress(InvalidInputError):
            found += _told(serving, features, serving.treatment, arm, at)
    return found


def _told(
    serving: InService, features: FeaturePanel, model: ServedModel, arm: Arm, at: datetime
) -> list[ServedPrediction]:
    """Return the answers of one version on the cells that its arm has."""
    plan, version = serving.plan, model.version
    days: list[date] = features.sessions.astype(object).tolist()
    grid = model.over(features)
    return [
        ServedPrediction(
            model=version.name,
            version=version.version,
            arm=arm,
            entity=symbol,
            session=day,
            value=float(grid[i, j]),
            answered_at=at,
            plan_id=plan.plan_id if plan else "",
        )
        for j, day in enumerate(days)
        for i, symbol in enumerate(features.symbols)
        if np.isfinite(grid[i, j])
        and (plan is None or arm is Arm.SHADOW or plan.arm_of(symbol, day) is arm)
    ]
