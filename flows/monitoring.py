"""The flow that follows models in service: what they said, what came of it, who is better."""

from prefect import flow

from flows import model_steps
from flows.day import open_day
from flows.outcome import Outcome, done, no_new_data
from flows.progress import step


@flow(name="follow-models")
def follow_models() -> Outcome:
    """Log the desk date's answers, join the outcomes that became known, judge the trials."""
    with open_day() as day, step("In service") as summarise:
        found = model_steps.follow(day)
        told = sum(found.told.values())
        trials = "; ".join(verdict.verdict for verdict in found.trials.values())
        summary = f"{found.answered} answers logged, {told} outcomes joined"
        summarise(f"{summary}; {trials}" if trials else summary)
    return done(summary) if found.answered or told else no_new_data(day.desk_date)
