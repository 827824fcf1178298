"""The risk of books against the policy in force."""

from dataclasses import replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from infra.desk.books import BooksDesk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from decimal import Decimal

    from basics.trading import Book
    from oms.orders import Order
    from services.order_tickets import OrderTicket
    from services.remediation import RemedyReport
    from services.remedy_run import JournalOnTop, RemedyRoom
    from services.risk import RiskService
    from services.risk_inputs import RiskInputs
    from services.score_study import ScoreStudy
    from services.stored_books import StoredBooks


class RiskDesk(BooksDesk):
    """Risk of stored books."""

    @cached_property
    def risk(self) -> "RiskService":
        """Profiles books against the policy in force."""
        from infra.policy import load_multi_asset_stress, load_stress, policy_version
        from services.risk import RiskService

        folder = self.settings.policy_dir
        return RiskService(
            limits=self.limit_register.in_force(),
            scenarios=load_stress(folder),
            multi_asset_scenarios=load_multi_asset_stress(folder),
            results=self.results,
            policy_version=policy_version(folder),
            register=self.limit_register,
            seed=self.settings.seed,
        )

    @cached_property
    def stored_books(self) -> "StoredBooks":
        """The risk of a stored portfolio, and of a candidate order on it."""
        from services.stored_books import StoredBooks

        return StoredBooks(
            pnl_days=self.pnl_days, market=self.market_data, review=self.review, risk=self.risk
        )

    def limits_date(self) -> date:
        """Return the day by which overrides are judged: the desk date, the clock's without data."""
        known = {state.dataset.name: state.last_session for state in self.market_data.catalog()}
        return known.get(self.settings.orders.dataset) or self.clock.now().date()

    @cached_property
    def remedy_room(self) -> "RemedyRoom":
        """Applies the remedy of a stored portfolio, in simulation."""
        from infra.order_entry import OrderRules, build_order_entry
        from services.remedy_run import RemedyRoom

        def place(
            journal: "JournalOnTop", book: "Book", equity: "Decimal"
        ) -> "Callable[[OrderTicket], Awaitable[Order]]":
            entry = build_order_entry(
                self.settings,
                market_data=self.market_data,
                journal=journal,
                controls=self.control_store,
                rules=OrderRules(self.control_policy, self.limit_register, self.night_market),
                clock=self.clock,
            )
            # What it trades is a run of its own: the desk's breach log is not told.
            return replace(entry, book=book, capital=equity, register=None).place

        return RemedyRoom(
            inputs=self.stored_books.inputs,
            solve=self.remedy_of,
            place=place,
            journal=self.order_journal,
            results=self.results,
            clock=self.clock,
        )

    def remedy_of(
        self, inputs: "RiskInputs", limits_scale: float = 1.0, *, hedge: bool = False
    ) -> "RemedyReport":
        """Solve for the cheapest trades that bring a book within the limits in force."""
        from market.liquidity import ImpactModel
        from services.remediation import remedy_for, scaled

        return remedy_for(
            inputs,
            limits=scaled(self.limit_register.in_force(), limits_scale),
            scenarios=self.risk.scenarios,
            lookback=self.risk.lookback,
            impact=ImpactModel(half_spread=self.settings.venue.half_spread),
            reduce_only=not hedge,
        )

    def score_study(self) -> "ScoreStudy":
        """Choose the score's volatility on the early part of the lake, judge it on the late."""
        import numpy as np

        from services.risk_judgement import drawdown_limit
        from services.score_study import studied_series, study_score

        rng = np.random.default_rng(self.settings.seed)
        books, untouched = studied_series(self.market_data, rng=rng)
        today = self.clock.now().date()
        return study_score(
            books, untouched, drawdown_limit=drawdown_limit("*", today, self.risk.limits)
        )
