"""The nightly risk and stress batches, and the weekly long run, over every book.

Each takes a range of past sessions and can be killed and run again: what stands, computed from
the same inputs, is not computed twice.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

from prefect import flow

from flows import artifacts, risk_steps
from flows.day import Day, open_day
from flows.engines import Engine, engine_map
from flows.multi_asset import (
    keep_multi_asset_night,
    multi_asset_risk,
    multi_asset_risk_stands,
)
from flows.outcome import Outcome, done, no_new_data
from flows.progress import step
from services.nightly_risk import NIGHT_STRESS_KIND, nightly_stress
from services.nightly_risk import nightly_risk as measure_night
from services.risk import PROFILE_KIND
from services.weekly_risk import WEEKLY_KIND, weekly_stands
from services.weekly_risk import weekly_risk as measure_week


@contextmanager
def _risk_day(name: str) -> Iterator[tuple[Day, Callable[[str], None]]]:
    """Open the day with its book traded and valued, and tell step `name`."""
    with open_day() as day:
        if not risk_steps.book_stands(day):
            with step("Trading anew") as summarise:
                summarise(risk_steps.stand_book(day))
        with step(name) as summarise:
            yield day, summarise


@flow(name="nightly-risk")
def nightly_risk(
    *,
    engine: Engine = "processes",
    address: str | None = None,
    again: bool = False,
    start: date | None = None,
    end: date | None = None,
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
    start, end : date, optional
        Every session from `start` to `end`; the desk date alone without them.
    """
    with _risk_day("Risk") as (day, summarise):
        ranged = start is not None or end is not None
        stands = (
            risk_steps.night_stands(day, PROFILE_KIND)
            and not risk_steps.reopened(day, PROFILE_KIND)
            and multi_asset_risk_stands(day)
        )
        if not (again or ranged) and stands:
            risk_steps.write_morning_page(day)
            summarise("stands as computed before")
            return no_new_data(day.desk_date)
        asked = risk_steps.nights(day, PROFILE_KIND, start=start, end=end)
        workers = day.desk.settings.threads
        measured = 0
        # Ahead of the night: its row carries what its profile was tested with.
        beside = "" if ranged else multi_asset_risk(day)
        with engine_map(engine, workers=workers, address=address) as mapped:
            for night in asked:
                if not again and risk_steps.night_stands(day, PROFILE_KIND, on=night.session):
                    continue
                keep_multi_asset_night(day, night.policy, night.lineage)  # The report ranks it.
                profile = risk_steps.measure_risk(night)
                report = measure_night(
                    risk_steps.night_batch(night, again=again),
                    night.market,
                    night.policy,
                    day.desk.results,
                    engine=mapped,
                    evidence=risk_steps.night_evidence(night, profile),
                )
                # Last, since its presence says that the session is done.
                risk_steps.keep_risk(night, profile)
                measured += 1
                if night is asked[-1]:
                    artifacts.show_night(report)
                    artifacts.show_tails(profile)
                    summary = f"score {profile.score:.0f} of 100, {profile.level}"
        risk_steps.study_score(day)
        risk_steps.write_morning_page(day)
        if measured == 0 and not beside:
            summarise("stands as computed before")
            return no_new_data(day.desk_date)
        if measured == 0:
            summary = beside
        elif len(asked) > 1:
            summary = (
                f"{measured} of {len(asked)} sessions computed, "
                f"{asked[0].session} to {asked[-1].session}"
            )
        summarise(summary)
    return done(summary)


@flow(name="nightly-stress")
def nightly_stress_tests(
    *,
    engine: Engine = "processes",
    address: str | None = None,
    again: bool = False,
    start: date | None = None,
    end: date | None = None,
) -> Outcome:
    """Stress every book by the policy's scenarios, with contributions by position.

    Parameters as those of `nightly_risk`.
    """
    with _risk_day("Stress") as (day, summarise):
        ranged = start is not None or end is not None
        stands = risk_steps.night_stands(day, NIGHT_STRESS_KIND) and not risk_steps.reopened(
            day, NIGHT_STRESS_KIND
        )
        if not (again or ranged) and stands:
            summarise("stands as computed before")
            return no_new_data(day.desk_date)
        asked = risk_steps.nights(day, NIGHT_STRESS_KIND, start=start, end=end)
        workers = day.desk.settings.threads
        with engine_map(engine, workers=workers, address=address) as mapped:
            for night in asked:
                keep_multi_asset_night(day, night.policy, night.lineage)  # The report ranks it.
                rows, failures = nightly_stress(
                    risk_steps.stress_batch(night, again=again),
                    night.market,
                    night.policy,
                    day.desk.results,
                    engine=mapped,
                )
        artifacts.show_stress(rows, asked[-1].session)
        worst = max((r for row in rows for r in row.stresses), key=lambda r: r.loss, default=None)
        summary = f"{len(rows)} books, {len(failures)} could not be stressed"
        if worst is not None:
            summary += f", worst is {worst.title}: {worst.loss:,.0f}"
        if len(asked) > 1:
            summary += f"; {len(asked)} sessions, {asked[0].session} to {asked[-1].session}"
        summarise(summary)
    return done(summary)


@flow(name="weekly-risk")
def weekly_risk(
    *, engine: Engine = "processes", address: str | None = None, again: bool = False
) -> Outcome:
    """Run the estimators and the ES tests that are too slow for every night, on every book.

    Parameters as those of `nightly_risk`.
    """
    with _risk_day("Weekly risk") as (day, summarise):
        night = risk_steps.nights(day, WEEKLY_KIND)[-1]
        terms = risk_steps.weekly_terms(night)
        batch = risk_steps.weekly_batch(night, again=again)
        if not again and weekly_stands(batch, terms, day.desk.results):
            summarise("stands as computed before")
            return no_new_data(day.desk_date)
        workers = day.desk.settings.threads
        with engine_map(engine, workers=workers, address=address) as mapped:
            market = risk_steps.weekly_market(night, terms)
            week = measure_week(batch, market, terms, day.desk.results, engine=mapped)
        artifacts.show_week(week)
        risk_steps.write_morning_page(day)
        summary = (
            f"{len(week.rows)} books measured, {len(week.failures)} could not be, "
            f"{terms.days} days tested"
        )
        summarise(summary)
    return done(summary)
