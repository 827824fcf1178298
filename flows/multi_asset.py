"""The multi-asset demo portfolio as a flow: booked on a SIMULATED market, valued, explained."""

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from prefect import flow
from prefect.artifacts import create_table_artifact

from basics.errors import QuantDeskError
from flows import steps
from flows.day import Day, open_day
from flows.outcome import Outcome, done, no_new_data
from flows.pnl_steps import by_hand
from flows.progress import step
from risk.nightly import NightRow
from risk.profile import RiskProfile
from services.morning import last_profile
from services.multi_asset import (
    MultiAssetBooks,
    MultiAssetReview,
    review_multi_asset,
)
from services.multi_asset_night import multi_asset_night
from services.night_evidence import evidence_of_profile, with_evidence
from services.nightly_risk import NIGHT_KIND, NIGHT_STRESS_KIND, NightPolicy
from services.pnl_days import ATTRIBUTION_KIND, CURRENCY_KIND, PERFORMANCE_KIND
from services.pnl_keeping import Attributions
from services.portfolios import MULTI_ASSET, label_of
from services.ports import JsonDocument
from services.risk import PROFILE_KIND


@flow(name="multi-asset")
def multi_asset(*, again: bool = False) -> Outcome:
    """Trade, book and explain the portfolio of every kind of instrument, on a simulated market.

    Parameters
    ----------
    again : bool
        Take the run's books away first, and compute even if the day's documents stand.
    """
    with open_day() as day, step("Multi-asset, simulated") as summarise:
        books = day.multi_asset
        if books is None:
            first = day.experiment.multi_asset.first_traded
            summarise(f"the simulated portfolio trades from {first} on")
            return no_new_data(day.desk_date)
        if not again and stands(day, books, steps.EXPLANATION_KIND):
            summarise("stands as computed before")
            return no_new_data(day.desk_date)
        review = keep_multi_asset(day, books, again=again)
        earned = review.performance
        summary = f"{earned.total_pnl:,.2f} {earned.currency} on a simulated market"
        create_table_artifact(
            key="multi-asset",
            table=[
                {"part": part.name, earned.currency: str(part.pnl)}
                for part in review.explanation.parts
            ],
            description=f"Why equity changed until {day.desk_date}, on a SIMULATED market",
        )
        summarise(summary)
    return done(summary)


def keep_multi_asset(day: Day, books: MultiAssetBooks, *, again: bool = False) -> MultiAssetReview:
    """Book the portfolio, review it and keep the documents."""
    if again:
        day.desk.discard_run(books.run_id)
    review = review_multi_asset(
        books,
        day.desk.accounting(books.market.instruments),
        generator=np.random.default_rng(day.desk.settings.seed),
    )
    day.desk.pnl_days.store.replace(review.kept)
    documents: dict[str, Any] = {
        PERFORMANCE_KIND: review.performance,
        ATTRIBUTION_KIND: Attributions(attributions=review.attributions),
        CURRENCY_KIND: review.currency_attribution,
        # Last, since its presence says that the day is done.
        steps.EXPLANATION_KIND: review.explanation,
    }
    for kind, document in documents.items():
        day.desk.results.put(
            kind,
            books.plan.portfolio,
            day.desk_date,
            msgspec.to_builtins(document),
            lineage_of(day, books),
        )
    return review


def measure_multi_asset_risk(day: Day) -> RiskProfile | None:
    """Profile the portfolio at the desk date and keep it; None before its first session."""
    books, inputs = day.multi_asset, day.multi_asset_inputs
    if books is None or inputs is None:
        return None
    profile = day.desk.risk.multi_asset_profile(inputs)
    day.desk.risk.store(profile, lineage=lineage_of(day, books))
    return profile


def keep_multi_asset_night(day: Day, policy: NightPolicy, lineage: JsonDocument) -> None:
    """Keep the portfolio's rows of the nightly risk and stress, beside those of the other books.

    Of the desk date's night: a past session's has none.

    Parameters
    ----------
    lineage : mapping
        Of the night whose rows these stand beside.
    """
    if policy.as_of != day.desk_date:
        return
    books, inputs = day.multi_asset, day.multi_asset_inputs
    if books is None or inputs is None:
        return
    risk = day.desk.risk
    beside = replace(policy, scenarios=(*risk.scenarios, *risk.multi_asset_scenarios))
    profiled = multi_asset_risk_stands(day)
    evidence = (
        evidence_of_profile(last_profile(day.desk.results, inputs.scope)) if profiled else None
    )
    night = multi_asset_night(inputs, beside, lookback=risk.lookback, evidence=evidence)
    if isinstance(night.risk, NightRow) and profiled:
        night = replace(night, risk=with_evidence(night.risk, evidence))
    own = {**lineage, MULTI_ASSET: lineage_of(day, books)}
    for kind, row in ((NIGHT_KIND, night.risk), (NIGHT_STRESS_KIND, night.stress)):
        day.desk.results.put(kind, inputs.scope, policy.as_of, msgspec.to_builtins(row), own)


def multi_asset_risk(day: Day) -> str:
    """Profile the portfolio as part of the night; what fails is a row, never a dead night.

    Returns
    -------
    str
        What came out in one line, empty where nothing was to be done.
    """
    try:
        profile = measure_multi_asset_risk(day)
    except QuantDeskError as error:
        row: dict[str, Any] = {"book": label_of(MULTI_ASSET), "failure": str(error)}
    else:
        if profile is None:
            return ""
        row = {
            "book": label_of(profile.scope),
            "score": round(profile.score, 1),
            "level": profile.level.value,
            "left out": len(profile.left_out),
        }
    create_table_artifact(
        key="multi-asset-risk", table=[row], description=f"Risk on {day.desk_date}"
    )
    return ", ".join(f"{name} {value}" for name, value in row.items())


def multi_asset_risk_stands(day: Day) -> bool:
    """Return whether the profile of the day was computed from the same inputs, or none is due."""
    books = day.multi_asset
    return books is None or stands(day, books, PROFILE_KIND)


def stands(day: Day, books: MultiAssetBooks, kind: str) -> bool:
    """Return whether the portfolio's document of the day was computed from the same inputs."""
    return steps.up_to_date(day, kind, books.plan.portfolio, lineage_of(day, books))


def lineage_of(day: Day, books: MultiAssetBooks) -> JsonDocument:
    """Return what is needed to compute the portfolio's documents again."""
    return {
        "run_id": books.run_id,
        "seed": day.desk.settings.seed,
        "code_commit": day.desk.code_commit,
        "market": books.market.label,
        "american_options": day.desk.settings.american_options,
        **by_hand(day, books.plan.portfolio),
    }
