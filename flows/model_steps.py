"""The steps that follow models in service, as plain functions on a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from basics.errors import MissingDataError
from flows.day import Day
from services.arm_trials import TrialVerdict
from services.in_service import answer_panel, in_service
from services.model_outcomes import join_outcomes, realised
from services.predictions import Predictions
from services.promotion import CHAMPION

TRIAL_KIND = "models.trial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What following the models in service found.

    Attributes
    ----------
    answered : int
        Answers of the day's batch that were new.
    told : mapping of str to int
        Answers whose outcome became known, by model.
    trials : mapping of str to TrialVerdict
        What each trial that runs says by now.
    """

    answered: int
    told: Mapping[str, int]
    trials: Mapping[str, TrialVerdict]


def follow(day: Day) -> Followed:
    """Log what the batch says of the desk date, join what became known, judge the trials."""
    desk = day.desk
    desk.prediction_log.prune(
        before=day.desk_date - timedelta(desk.settings.prediction_log.keep_days)
    )
    return Followed(
        answered=answer_desk_date(day),
        told={name: tell_outcomes(day, name) for name in desk.models.names()},
        trials=judge_trials(day),
    )


def answer_desk_date(day: Day) -> int:
    """Log what champion and challenger of the price model say of the last session."""
    desk, name = day.desk, day.experiment.price.name
    if CHAMPION not in desk.models.aliases(name):
        return 0
    serving = in_service(Predictions(desk.models), desk.prediction_log, name, ride_along=True)
    newest = day.features.window(len(day.features.sessions) - 1, len(day.features.sessions))
    return desk.prediction_log.append(answer_panel(serving, newest, at=desk.clock.now()))


def tell_outcomes(day: Day, name: str) -> int:
    """Join the outcomes that the newest bars brought to the answers that wait for them."""
    if not day.desk.prediction_log.waiting(name):
        return 0
    try:
        outcomes = realised(name, day.panel, price=day.experiment.price)
    except MissingDataError:
        return 0  # A kind without an outcome of its own, such as one that a user brought.
    return join_outcomes(day.desk.prediction_log, name, day.panel, outcomes)


def judge_trials(day: Day) -> dict[str, TrialVerdict]:
    """Judge each trial that runs on the outcomes known, and keep what it says."""
    found = {}
    for name in day.desk.models.names():
        state = day.desk.arm_trials.state(name)
        if state is None:
            continue
        document = msgspec.to_builtins(state)
        lineage = {"plan_id": state.standing.plan.plan_id, "code_commit": day.desk.code_commit}
        day.desk.results.put(TRIAL_KIND, name, day.desk_date, document, lineage)
        found[name] = state.verdict
    return found
