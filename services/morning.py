"""What the morning report is drawn from: the stored documents of the last night."""

from dataclasses import dataclass
from datetime import date, timedelta

import msgspec

from basics.errors import MissingDataError
from risk.nightly import NightRow
from risk.profile import RiskProfile
from risk.weekly import WeeklyRow
from services.night_store import read_batch
from services.nightly_risk import NIGHT_KIND, NIGHT_SUMMARY_KIND, SUMMARY_SCOPE, NightReport
from services.pnl_health import HEALTH_KIND, PnlHealth
from services.portfolios import MULTI_ASSET
from services.ports import ResultStore
from services.risk import PROFILE_KIND
from services.score_study import STUDY_KIND, STUDY_SCOPE, ScoreStudy
from services.weekly_risk import WEEKLY_KIND, weekly_stamps


@dataclass(frozen=True, slots=True, kw_only=True)
class Morning:
    """What the morning report is drawn from.

    Attributes
    ----------
    before : RiskProfile or None
        The profile last stored ahead of `profile`.
    weekly : WeeklyRow or None
        What the last long run found of the portfolio.
    beside : RiskProfile or None
        Of the multi-asset portfolio, on the same date.
    health : PnlHealth or None
        The P&L attribution test of the date: whether the risk models see the profit.
    study : ScoreStudy or None
        What the score's forecasts are worth.
    """

    profile: RiskProfile
    night: NightReport
    before: RiskProfile | None = None
    weekly: WeeklyRow | None = None
    beside: RiskProfile | None = None
    health: PnlHealth | None = None
    study: ScoreStudy | None = None


def last_morning(results: ResultStore, scope: str) -> Morning:
    """Gather what is stored of the last night for a portfolio.

    Raises
    ------
    MissingDataError
        If no profile of it, or no night, was stored.
    """
    profile = last_profile(results, scope)
    return Morning(
        profile=profile,
        night=last_night(results),
        before=profile_before(results, profile),
        weekly=last_weekly(results, scope),
        beside=profile_beside(results, as_of=profile.as_of),
        health=last_health(results, scope, as_of=profile.as_of),
        study=last_study(results),
    )


def last_profile(results: ResultStore, scope: str) -> RiskProfile:
    """Return the latest stored profile of `scope`.

    Raises
    ------
    MissingDataError
        If none was stored.
    """
    return msgspec.convert(results.latest(PROFILE_KIND, scope).payload, RiskProfile, strict=False)


def profile_beside(results: ResultStore, *, as_of: date) -> RiskProfile | None:
    """Return the multi-asset portfolio's profile of a date, None if that is not the latest."""
    if MULTI_ASSET not in results.scopes(PROFILE_KIND):
        return None
    beside = last_profile(results, MULTI_ASSET)
    return beside if beside.as_of == as_of else None


def last_health(results: ResultStore, scope: str, *, as_of: date) -> PnlHealth | None:
    """Return the P&L attribution test of a date, None if it was not done then."""
    if scope not in results.scopes(HEALTH_KIND):
        return None
    stored = results.latest(HEALTH_KIND, scope, until=as_of)
    return (
        msgspec.convert(stored.payload, PnlHealth, strict=False)
        if stored.desk_date == as_of
        else None
    )


def profile_before(results: ResultStore, profile: RiskProfile) -> RiskProfile | None:
    """Return the profile last stored ahead of `profile`, None if there is none."""
    try:
        stored = results.latest(
            PROFILE_KIND, profile.scope, until=profile.as_of - timedelta(days=1)
        )
    except MissingDataError:
        return None
    return msgspec.convert(stored.payload, RiskProfile, strict=False)


def last_study(results: ResultStore) -> ScoreStudy | None:
    """Return what the score's forecasts were last found to be worth, None if never studied."""
    if STUDY_SCOPE not in results.scopes(STUDY_KIND):
        return None
    stored = results.latest(STUDY_KIND, STUDY_SCOPE)
    return msgspec.convert(stored.payload, ScoreStudy, strict=False)


def last_night(results: ResultStore) -> NightReport:
    """Return the last stored night, its books ranked as they were measured.

    Raises
    ------
    MissingDataError
        If no night was stored.
    """
    summary = results.latest(NIGHT_SUMMARY_KIND, SUMMARY_SCOPE)
    rows, failures = read_batch(
        results, NIGHT_KIND, summary.desk_date, lineage=summary.lineage, form=NightRow
    )
    if not rows and not failures:
        raise MissingDataError(
            f"the night of {summary.desk_date} holds no book: run `quantdesk flows run risk`"
        )
    return NightReport(
        as_of=summary.desk_date,
        rows=tuple(sorted(rows, key=lambda row: (-row.score, row.name))),
        failures=failures,
        weekly=weekly_stamps(results, until=summary.desk_date),
    )


def last_weekly(results: ResultStore, scope: str) -> WeeklyRow | None:
    """Return what the last long run found of `scope`, None if there was none."""
    if scope not in results.scopes(WEEKLY_KIND):
        return None
    stored = results.latest(WEEKLY_KIND, scope)
    if "reason" in stored.payload:
        return None
    return msgspec.convert(stored.payload, WeeklyRow, strict=False)
