"""The flow that follows models in service: what they said, what came of it, whether they hold."""

from prefect import flow

from flows import model_steps
from flows.day import open_day
from flows.outcome import Outcome, done, no_new_data
from flows.progress import step
from flows.promotion import in_transaction


@flow(name="monitor-models")
def monitor_models() -> Outcome:
    """Log the desk date's answers, join outcomes, judge trials, measure every version.

    A breach becomes an alert; where newer data stand than the version was trained on, the model
    is trained anew, once for each desk date, and the gate decides.
    """
    with open_day() as day, step("In service") as summarise:
        followed = model_steps.follow(day)
        found = model_steps.watch(day)
        acted = model_steps.act(day, found, settle=in_transaction)
        told = sum(followed.told.values())
        parts = [
            f"{followed.answered} answers logged, {told} outcomes joined",
            f"{len(found)} versions watched, {acted.breaches} breaches",
            *(verdict.verdict for verdict in followed.trials.values()),
            *(f"trained anew: {label}" for label in acted.trained.values()),
        ]
        summary = "; ".join(parts)
        summarise(summary)
    news = followed.answered or told or acted.told or acted.trained
    return done(summary) if news else no_new_data(day.desk_date)
