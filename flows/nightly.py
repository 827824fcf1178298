"""The nightly risk and stress batches over every book: the portfolio and its strategies."""

import msgspec
from prefect import flow
from prefect.artifacts import create_table_artifact

from flows import steps
from flows.day import open_day
from flows.engines import Engine, engine_map
from flows.outcome import Outcome, done, no_new_data
from flows.progress import step
from services.nightly_risk import NIGHT_STRESS_KIND, nightly_stress, store_night
from services.nightly_risk import nightly_risk as measure_night
from services.risk import PROFILE_KIND


@flow(name="nightly-risk")
def nightly_risk(
    *, engine: Engine = "processes", address: str | None = None, again: bool = False
) -> Outcome:
    """Profile the portfolio against the policy in force, and every book of the night.

    Parameters
    ----------
    engine : str
        `here`, `processes` or `dask`.
    address : str, optional
        Scheduler of a running Dask cluster.
    again : bool
        Compute even if the day's documents stand.
    """
    with open_day() as day, step("Risk") as summarise:
        if not again and steps.up_to_date(day, PROFILE_KIND):
            steps.write_morning_page(day)
            summarise("stands as computed before")
            return no_new_data(day.desk_date)
        chunks = steps.night_chunks_of(day)
        workers = day.desk.settings.threads
        with engine_map(engine, workers=workers, address=address) as mapped:
            night = measure_night(chunks, as_of=day.desk_date, engine=mapped)
        store_night(night, day.desk.results, lineage=msgspec.to_builtins(day.lineage))
        # Last, since its presence says that the night is done.
        profile = steps.measure_risk(day)
        steps.write_morning_page(day)
        summary = f"score {profile.score:.0f} of 100, {profile.level}"
        create_table_artifact(
            key="nightly-risk",
            table=[
                {"book": row.name, "score": round(row.score, 1), "level": row.level}
                for row in night.rows
            ]
            + [{"book": item.name, "failure": item.reason} for item in night.failures],
            description=f"Risk of every book on {day.desk_date}",
        )
        summarise(summary)
    return done(summary)


@flow(name="nightly-stress")
def nightly_stress_tests(
    *, engine: Engine = "processes", address: str | None = None, again: bool = False
) -> Outcome:
    """Stress every book by the policy's scenarios, with contributions by position.

    Parameters as those of `nightly_risk`.
    """
    with open_day() as day, step("Stress") as summarise:
        if not again and steps.up_to_date(day, NIGHT_STRESS_KIND):
            summarise("stands as computed before")
            return no_new_data(day.desk_date)
        chunks = steps.night_chunks_of(day)
        workers = day.desk.settings.threads
        with engine_map(engine, workers=workers, address=address) as mapped:
            found = [pair for chunk in mapped(nightly_stress, chunks) for pair in chunk]
        steps.store_stress(day, found)
        worst = max(
            (result for _, document in found for result in document["stresses"]),
            key=lambda result: result["loss"],
        )
        summary = f"{len(found)} books, worst is {worst['title']}: {worst['loss']:,.0f}"
        summarise(summary)
    return done(summary)
