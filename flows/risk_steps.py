"""The steps of the nightly and weekly risk batches as plain functions on a day.

A batch may be asked for any session that the book lived through: books and prices are cut at
its close, so what is computed for a past session is what would have been computed then, on data
as they are known now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from basics.errors import MissingDataError
from flows.day import Day
from flows.pnl_steps import BY_HAND, attribute_pnl, by_hand, daily_books, pnl_lineage
from flows.steps import trade, up_to_date
from infra.report import write_morning_report
from pnl.daily import DailyBooks
from risk.nightly import NightBooks, NightMarket
from risk.profile import RiskProfile
from risk.weekly import WeeklyTerms
from services.morning import last_morning
from services.night_books import books_until, night_books, night_market, night_scenarios
from services.night_evidence import NightEvidence, evidence_of_profile, strategy_lives
from services.night_store import Batch
from services.nightly_risk import (
    NIGHT_KIND,
    NIGHT_STRESS_KIND,
    NightPolicy,
    previous_levels,
)
from services.paper_trading import STRATEGIES
from services.risk_advice import advised_profile
from services.risk_inputs import RiskInputs
from services.score_study import STUDY_KIND, STUDY_SCOPE
from services.weekly_risk import WEEKLY_CHUNK, WEEKLY_KIND

MORNING_PAGE = "morning.html"


@dataclass(frozen=True)
class Night:
    """What the risk batches of one session are computed from, each thing once.

    Attributes
    ----------
    daily : DailyBooks
        Up to the session.
    """

    day: Day
    session: date
    daily: DailyBooks

    @cached_property
    def inputs(self) -> RiskInputs:
        """What the profile of the portfolio is computed from."""
        day, scope = self.day, self.day.experiment.trading.portfolio
        return day.desk.review.risk_inputs(
            scope=scope,
            daily=self.daily,
            prices=day.panel,
            previous=day.desk.risk.previous(scope, before=self.session),
        )

    @property
    def capital(self) -> dict[str, Decimal]:
        """Money that each strategy was given at the start."""
        return dict.fromkeys(STRATEGIES, self.day.experiment.trading.capital_money)

    @cached_property
    def books(self) -> NightBooks:
        """The portfolio and each strategy."""
        return night_books(
            self.daily,
            self.day.panel.symbols,
            portfolio=self.day.experiment.trading.portfolio,
            capital=self.capital,
        )

    @cached_property
    def market(self) -> NightMarket:
        """What the books of the night share."""
        return night_market(self.inputs, lookback=self.day.desk.risk.lookback)

    @cached_property
    def policy(self) -> NightPolicy:
        """What the books are judged by."""
        risk = self.day.desk.risk
        ready = night_scenarios(self.inputs, risk.scenarios, lookback=risk.lookback)
        return NightPolicy(
            limits=risk.limits,
            scenarios=ready,
            as_of=self.session,
            previous=previous_levels(self.day.desk.results, before=self.session),
        )

    @property
    def lineage(self) -> dict[str, Any]:
        """What is needed to compute the session's numbers again, what was changed by hand too."""
        return dict(pnl_lineage(self.day, until=self.session))

    def batch(self, kind: str, **chosen: Any) -> Batch:  # noqa: ANN401 - fields of Batch
        """Return the run of `kind` over every book."""
        return Batch(
            kind=kind, as_of=self.session, books=self.books, lineage=self.lineage, **chosen
        )


def book_stands(day: Day) -> bool:
    """Return whether the book that today's data, models and rules make is traded and valued."""
    span = day.desk.pnl_days.spans().get(day.experiment.trading.portfolio)
    return span is not None and (span.run_id, span.last_session) == (day.run_id, day.desk_date)


def stand_book(day: Day) -> str:
    """Trade and value the book that does not stand, and return what was done.

    Data, a model or a rule of the controls changed since: that makes another simulated run, and
    risk is measured on the book that the day's rules lead to.
    """
    traded = trade(day)
    attribute_pnl(day)
    return f"{len(traded.sessions)} sessions, since data, a model or a control changed"


def nights(
    day: Day, kind: str, *, start: date | None = None, end: date | None = None
) -> Sequence[Night]:
    """Return the sessions asked for, oldest first.

    Without a range: the desk date, and before it each session that has a document of `kind` and
    whose books people have changed by hand since.

    Raises
    ------
    MissingDataError
        If the book lived through no session of the range.
    """
    daily = daily_books(day)
    lived: list[date] = daily.sessions.tolist()
    if start is None and end is None:
        past = [Night(day, s, books_until(daily, s)) for s in reopened(day, kind) if s in lived]
        return [*past, Night(day, lived[-1], daily)]
    asked = [s for s in lived if (start or lived[0]) <= s <= (end or lived[-1])]
    if not asked:
        raise MissingDataError(
            f"the book lived through no session from {start} to {end}: it lived from "
            f"{lived[0]} to {lived[-1]}"
        )
    return [Night(day, session, books_until(daily, session)) for session in asked]


def night_stands(day: Day, kind: str, *, on: date | None = None) -> bool:
    """Return whether the document of a session stands, computed from the same books."""
    session = on or day.desk_date
    return up_to_date(day, kind, lineage=pnl_lineage(day, until=session), on=session)


def reopened(day: Day, kind: str) -> Sequence[date]:
    """Return the past sessions whose document of `kind` does not know what was changed by hand."""
    scope = day.experiment.trading.portfolio
    changed = [entry.day for entry in day.desk.manual_entries.in_force(scope).entries]
    if not changed or min(changed) >= day.desk_date:
        return []
    return [
        stored.desk_date
        for stored in day.desk.results.history(kind, scope)
        if min(changed) <= stored.desk_date < day.desk_date
        and by_hand(day, scope, until=stored.desk_date)
        != {name: ids for name, ids in stored.lineage.items() if name == BY_HAND}
    ]


def measure_risk(night: Night) -> RiskProfile:
    """Profile the book against the policy in force, and solve what a breach asks for."""
    return advised_profile(night.inputs, risk=night.day.desk.risk)


def keep_risk(night: Night, profile: RiskProfile) -> None:
    """Keep the profile; its presence says that the session is done."""
    night.day.desk.risk.store(profile, lineage=night.lineage)


def night_evidence(night: Night, profile: RiskProfile) -> NightEvidence:
    """Return what the session's books are tested with: every estimator, every test."""
    risk = night.day.desk.risk
    return NightEvidence(
        known={profile.scope: evidence_of_profile(profile)},
        lives=strategy_lives(night.inputs, night.daily, capital=night.capital),
        lookback=risk.lookback,
        seed=risk.seed,
    )


def night_batch(night: Night, *, again: bool) -> Batch:
    """Return the nightly run of a session, a task for each of its few books."""
    return night.batch(NIGHT_KIND, again=again, size=1)


def stress_batch(night: Night, *, again: bool) -> Batch:
    """Return the nightly stress run of a session."""
    return night.batch(NIGHT_STRESS_KIND, again=again)


def weekly_batch(night: Night, *, again: bool) -> Batch:
    """Return the weekly long run of a session."""
    return night.batch(WEEKLY_KIND, again=again, size=WEEKLY_CHUNK)


def weekly_terms(night: Night) -> WeeklyTerms:
    """Return the terms of the long run; its window is the profile's lookback."""
    settings, risk = night.day.desk.settings, night.day.desk.risk
    return WeeklyTerms(window=risk.lookback, seed=settings.seed)


def weekly_market(night: Night, terms: WeeklyTerms) -> NightMarket:
    """Return the market with a history as long as the long run needs."""
    return night_market(night.inputs, lookback=terms.window + terms.days)


def write_morning_page(day: Day) -> Path:
    """Draw the morning report from the stored night, and return where it lies."""
    path = day.desk.settings.state_dir / MORNING_PAGE
    found = last_morning(day.desk.results, day.experiment.trading.portfolio)
    return write_morning_report(found, path)


def study_score(day: Day) -> None:
    """Study what the score's forecasts are worth, unless the day's study stands."""
    if not up_to_date(day, STUDY_KIND, STUDY_SCOPE):
        study = msgspec.to_builtins(day.desk.score_study())
        lineage = msgspec.to_builtins(day.lineage)
        day.desk.results.put(STUDY_KIND, STUDY_SCOPE, day.desk_date, study, lineage)
