"""The end of the day: a portfolio is valued, its days are kept, and the documents of its life.

Doing it again on the same books leaves the same rows and documents. What is asked of the days
afterwards is `services.pnl_days`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache

import msgspec
import numpy as np

from basics.errors import MissingDataError
from pnl.attribution import Attribution
from services.accounting import Accounting
from services.factor_series import Factors
from services.pnl_days import (
    ATTRIBUTION_KIND,
    FACTOR_KEYS,
    ONE_SESSION,
    PERFORMANCE_KIND,
    SPLITS,
    PnlDays,
)
from services.pnl_performance import Performance
from services.ports import JsonDocument, KeptBooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributions:
    """Every split of a portfolio's profit that is kept as a document."""

    attributions: tuple[Attribution, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlOutcome:
    """What a portfolio earned, and how many sessions are new or other than they were kept."""

    portfolio: str
    performance: Performance
    sessions_changed: int


@dataclass(frozen=True, slots=True)
class PnlKeeping:
    """Values portfolios and keeps their days."""

    days: PnlDays

    def keep(self, kept: KeptBooks, *, lineage: JsonDocument) -> PnlOutcome:
        """Keep the days of a portfolio, and the documents of the whole span.

        Doing it again on the same books leaves the same rows and documents. What cannot be measured
        leaves no row either.
        """
        performance = self.days.performance(kept)
        # Gathered once for both splits by factor.
        factors = cache(lambda: self.days.factors(kept.books.daily.sessions))
        splits = Attributions(
            attributions=tuple(self._split(kept, by=key, factors=factors) for key in SPLITS)
        )
        changed = self.days.store.replace(kept)
        for kind, document in ((PERFORMANCE_KIND, performance), (ATTRIBUTION_KIND, splits)):
            payload = msgspec.to_builtins(document)
            self.days.results.put(kind, kept.portfolio, performance.end, payload, lineage)
        return PnlOutcome(
            portfolio=kept.portfolio, performance=performance, sessions_changed=changed
        )

    def value(
        self, run_id: str, *, dataset: str, portfolio: str | None = None, until: date | None = None
    ) -> list[PnlOutcome]:
        """Value a run's books from their first entry to the dataset's last session, and keep them.

        Parameters
        ----------
        portfolio : str, optional
            Left out: every portfolio of the run.

        Raises
        ------
        MissingDataError
            If the run has no entries, or the dataset no session since the first of them.
        """
        accounting = self.days.accounting(dataset)
        names = accounting.portfolios(run_id) if portfolio is None else [portfolio]
        return [
            self.keep(
                self._valued(accounting, run_id, dataset, name, until),
                lineage={"run_id": run_id, "dataset": dataset},
            )
            for name in names
        ]

    def _valued(
        self, accounting: Accounting, run_id: str, dataset: str, portfolio: str, until: date | None
    ) -> KeptBooks:
        first = min(day for day, _ in accounting.events(run_id, portfolio=portfolio))
        prices = self.days.closes(dataset, first - ONE_SESSION, until or date.max)
        since = int(np.searchsorted(prices.sessions, np.datetime64(first)))
        panel = prices.window(since, len(prices.sessions))
        if not len(panel.sessions):
            raise MissingDataError(
                f"{dataset} has no session since {first}, when {portfolio!r} begins: load its bars"
            )
        benchmark = self.days.benchmark(prices, panel.sessions) if since else None
        rates = self.days.rates(dataset, panel.sessions[0].item(), panel.sessions[-1].item())
        books = accounting.valued_books(
            run_id, panel, portfolio=portfolio, benchmark=benchmark, rates=rates
        )
        return KeptBooks(portfolio, run_id, dataset, books)

    def _split(self, kept: KeptBooks, *, by: str, factors: Callable[[], Factors]) -> Attribution:
        """Return a split; what cannot be estimated leaves everything in the residual, and says why.

        Young books have too few sessions to tell factors apart.
        """
        try:
            if by in FACTOR_KEYS:
                return self.days.by_factors(kept, factors(), by=by)
            return self.days.attribution(kept, by=by)
        except MissingDataError as error:
            daily = kept.books.daily
            total = daily.money(daily.pnl.sum())
            return Attribution(
                by=by,
                currency=daily.currency,
                start=daily.sessions[0].item(),
                end=daily.sessions[-1].item(),
                parts=(),
                residual=total,
                total=total,
                exact=False,
                notes=(str(error),),
            )
