"""The steps that follow models in service, as plain functions on a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import msgspec

from basics.errors import InvalidInputError, MissingDataError
from features.panel import FeaturePanel
from flows import steps
from flows.day import Day
from models.volatility import VolatilitySpec
from services.arm_trials import TrialVerdict
from services.breach_response import Acted, BreachResponse
from services.in_service import answer_panel, in_service
from services.kind_inputs import volatility_inputs
from services.kind_training import TRAINABLE
from services.model_monitoring import MONITOR_KIND, VersionMonitor
from services.model_outcomes import join_outcomes, realised
from services.predictions import Predictions
from services.promotion import CHAMPION
from services.settlement import CarryOut, carry_out
from services.training_inputs import TrainingInputs

TRIAL_KIND = "models.trial"
VOLATILITY = VolatilitySpec().name


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
    since = day.desk_date - timedelta(desk.settings.prediction_log.keep_days)
    desk.prediction_log.prune(before=since)
    return Followed(
        answered=answer_desk_date(day, since=since),
        told={name: tell_outcomes(day, name) for name in desk.models.names()},
        trials=judge_trials(day),
    )


def answer_desk_date(day: Day, *, since: date) -> int:
    """Log what champion and challenger of every trained kind say of the last session.

    A series that ended before `since` is not answered: what is that old is not kept.
    """
    desk, name = day.desk, day.experiment.price.name
    answered = 0
    if CHAMPION in desk.models.aliases(name):
        newest = day.features.window(len(day.features.sessions) - 1, len(day.features.sessions))
        answered += _answer(day, name, newest, since=since)
    for kind in desk.kind_service.trained():
        if kind != name:
            answered += _answer(day, kind, None, since=since)
    return answered


def _answer(day: Day, name: str, newest: FeaturePanel | None, *, since: date) -> int:
    """Log the answers of one model; 0 where its champion cannot be asked on what stands."""
    desk = day.desk
    serving = in_service(Predictions(desk.models), desk.prediction_log, name, ride_along=True)
    versions = [m.version for m in (serving.model, serving.treatment) if m is not None]
    try:
        panel = desk.kind_service.newest(name, *versions) if newest is None else newest
        rows = answer_panel(serving, panel, at=desk.clock.now())
    except (InvalidInputError, MissingDataError):
        return 0  # The baseline of the risk kind reads what the trained one does not.
    return desk.prediction_log.append([row for row in rows if row.session >= since])


def tell_outcomes(day: Day, name: str) -> int:
    """Join the outcomes that the newest bars brought to the answers that wait for them."""
    desk, price = day.desk, day.experiment.price
    if not desk.prediction_log.waiting(name):
        return 0
    closes = day.panel if name == price.name else None
    try:
        ground = desk.kind_service.ground(name, price=price, closes=closes)
        outcomes = realised(name, ground)
    except MissingDataError:
        return 0  # A kind without an outcome, or one that a user brought.
    return join_outcomes(desk.prediction_log, name, ground.closes, outcomes)


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


def watch(day: Day) -> tuple[VersionMonitor, ...]:
    """Measure every version in service against the policy, and keep what is found."""
    desk = day.desk
    found = tuple(monitor for name in desk.models.names() for monitor in measure(day, name))
    for monitor in found:
        document = msgspec.to_builtins(monitor)
        lineage = {"data_version": _data_version(day), "code_commit": desk.code_commit}
        desk.results.put(MONITOR_KIND, monitor.scope, day.desk_date, document, lineage)
    return found


def measure(day: Day, name: str) -> tuple[VersionMonitor, ...]:
    """Measure the versions of one model that are in service."""
    features: FeaturePanel | None = None
    version = _data_version(day)
    if name == day.experiment.price.name:
        features = day.features
    elif name in day.desk.kind_service.trained():
        features, version = day.desk.kind_service.watched(name)
    return day.desk.model_monitoring.watch(
        name, features=features, data_version=version, as_of=day.desk_date
    )


def act(day: Day, found: Sequence[VersionMonitor], *, settle: CarryOut = carry_out) -> Acted:
    """Tell every breach as an alert, and train anew what newer data may cure, once a desk date."""
    desk = day.desk
    response = BreachResponse(
        desk.results,
        desk.clock,
        send=desk.tell,
        train=lambda name: train_again(day, name, settle=settle),
    )
    return response.respond(found, as_of=day.desk_date)


def train_again(day: Day, name: str, *, settle: CarryOut = carry_out) -> str | None:
    """Train a model on the data that stand now, let the gate decide, return the version's label.

    None for the kinds that take minutes: the training flow has them each week, and the day does
    not wait; `quantdesk models train KIND` has one sooner.

    Raises
    ------
    MissingDataError
        If the kind is not one that the day can train.
    """
    if name == day.experiment.price.name:
        return steps.train(day, settle=settle).version.label
    if name == VOLATILITY:
        return day.desk.training.train(_volatility_inputs(day), settle=settle).version.label
    if name in TRAINABLE:
        return None
    raise MissingDataError(f"model {name!r} is not trained by the day: train it by hand")


def _volatility_inputs(day: Day) -> TrainingInputs:
    return volatility_inputs(
        day.desk.market_data,
        dataset=day.experiment.data.dataset,
        ranges=False,
        spec=VolatilitySpec(candidate_name="lightgbm"),
    )


def _data_version(day: Day) -> str:
    return day.desk.market_data.version(day.experiment.data.dataset)
