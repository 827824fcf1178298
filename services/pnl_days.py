"""The profit of any range of days, from the books that are kept of each (`services.pnl_keeping`).

A row stands for each position and session, with the reason for every cent. Whatever is asked
afterwards (a month, a week, one day) is a sum over those rows, so that the parts of a range sum
to its total and two ranges to the whole. What only a fill knows (its order, model version, hour)
is the difference of its worth at the two ends.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import InvalidInputError, MissingDataError
from market.panel import Panel
from pnl.attribution import Attribution
from pnl.factors import by_factor, by_factor_timing
from pnl.fill_attribution import FILL_KEYS
from pnl.manual import InForce
from pnl.valued_books import by_reason
from services.accounting import Accounting
from services.benchmark_attribution import (
    BenchmarkAttribution,
    BrinsonTerms,
    attribute_to_benchmark,
)
from services.factor_series import Factors
from services.pnl_explanation import Explanation, explanation_of
from services.pnl_figures import TrialsBehind, given_trials
from services.pnl_performance import Performance, performance_of
from services.portfolios import ON_SIMULATED_MARKETS, chosen_portfolio
from services.ports import JsonDocument, KeptBooks, KeptSpan, PnlDayStore, ResultStore
from services.profit_splits import (
    BOOK_KEYS,
    Prices,
    split_of_books,
    split_of_currencies,
    split_of_fills,
)

PERFORMANCE_KIND, ATTRIBUTION_KIND = "pnl.performance", "pnl.attribution"
FACTOR_KEYS = ("factor", "factor_timing")
KEYS = ("reason", *BOOK_KEYS, "currency", *FILL_KEYS, *FACTOR_KEYS)
CURRENCY_KIND = "pnl.currency_attribution"  # Of a portfolio in several currencies.
# What the end of the day keeps as a document; orders and days are many, and are asked by range.
SPLITS = (
    "reason", "symbol", "strategy", "sector", "month", "factor", "factor_timing", "model_version",
    "arm",
)  # fmt: skip
# Of a portfolio on a simulated market: no observed factor and no model tells its profit apart.
SIMULATED_SPLITS = ("reason", "symbol", "strategy", "asset_class", "month", "currency")
# The session before the first of a range lies at most this far back.
ONE_SESSION = timedelta(days=15)


def days_lineage(kept: KeptBooks) -> JsonDocument:
    """Return whose books an answer about a range values, at which prices, real or simulated."""
    real = kept.portfolio not in ON_SIMULATED_MARKETS
    market = "observed" if real else "simulated"
    return {"run_id": kept.run_id, "dataset": kept.dataset, "market": market}


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlDays:
    """Answers about any range of the days that are kept of each portfolio.

    Attributes
    ----------
    accounting : callable
        Returns the books of what a dataset of prices lets the desk trade.
    closes : callable
        Returns a dataset's closing prices from one date to another.
    rates : callable
        Returns exchange rates on the same sessions; None where a dataset has one currency.
    factors : callable
        Returns the risk factors on given sessions.
    manual : callable
        Returns what is approved of a portfolio's marks and adjustments by hand.
    benchmark : callable
        Returns the benchmark's return on given sessions, from prices that begin one earlier.
    benchmark_name : callable
        Returns what it is called, beside the prices of a dataset.
    trials : callable
        Returns what was tried to find what a portfolio follows.
    seed : int
        Of the resamples that intervals rest on: the same for every portfolio and range.
    """

    store: PnlDayStore
    results: ResultStore
    accounting: Callable[[str], Accounting]
    closes: Callable[[str, date, date], Panel]
    rates: Callable[[str, date, date], Panel | None]
    factors: Callable[[DateArray], Factors]
    manual: Callable[[str], InForce]
    benchmark: Callable[[Panel, DateArray], FloatArray]
    benchmark_name: Callable[[str], str]
    trials: Callable[[KeptBooks], TrialsBehind | None]
    seed: int

    def spans(self) -> Mapping[str, KeptSpan]:
        """Return what is kept, by portfolio."""
        return self.store.spans()

    def books(
        self, portfolio: str | None = None, *, start: date | None = None, end: date | None = None
    ) -> KeptBooks:
        """Return the books of the sessions from `start` to `end`, both included.

        Parameters
        ----------
        portfolio : str, optional
            May be left out where there is only one.

        Raises
        ------
        InvalidInputError
            If the range ends before it starts, or there are several portfolios and none is named.
        MissingDataError
            If nothing is kept, or no session lies in the range.
        """
        return self.store.books(portfolio or self._only(), start=start, end=end)

    def performance(self, kept: KeptBooks, *, trials: int | None = None) -> Performance:
        """Measure a range, beside the benchmark where it is known on every session.

        A figure that so few sessions do not define is empty, with the reason.

        Parameters
        ----------
        trials : int, optional
            How many configurations were tried, where that is known better than by the registry.
        """
        benchmark = kept.books.benchmark
        known = bool(np.isfinite(benchmark).all())
        return performance_of(
            kept.books.daily,
            benchmark=benchmark if known else None,
            benchmark_name=self.benchmark_name(kept.dataset) if known else None,
            traded=kept.books.traded,
            trials=self.trials(kept) if trials is None else given_trials(trials),
            generator=np.random.default_rng(self.seed),
        )

    def splits_of(self, kept: KeptBooks) -> tuple[str, ...]:
        """Return the keys by which a range is split when none is asked for."""
        return SIMULATED_SPLITS if kept.portfolio in ON_SIMULATED_MARKETS else SPLITS

    def explanation(self, kept: KeptBooks) -> Explanation:
        """Say why equity changed over a range, session by session."""
        return explanation_of(kept.books)

    def attribution(self, kept: KeptBooks, *, by: str) -> Attribution:
        """Split the profit of a range by one of `KEYS`.

        Raises
        ------
        InvalidInputError
            If there is no such key.
        MissingDataError
            If a range is too short to estimate factors on, or a price is missing.
        """
        daily = kept.books.daily
        if by == "reason":
            span = daily.sessions[0].item(), daily.sessions[-1].item()
            return by_reason(kept.books, notes=self.manual(kept.portfolio).notes(*span))
        if by in FACTOR_KEYS and kept.portfolio in ON_SIMULATED_MARKETS:
            raise InvalidInputError(
                f"{kept.portfolio} trades on a simulated market, which observed factors cannot "
                f"explain: ask by {', '.join(SIMULATED_SPLITS)}"
            )
        if by in FACTOR_KEYS:
            return self.by_factors(kept, self.factors(daily.sessions), by=by)
        accounting, run = self.accounting(kept.dataset), kept.run_id
        if by in BOOK_KEYS:
            return split_of_books(daily, accounting.instruments, by=by)
        if by == "currency":
            return split_of_currencies(
                accounting, run, daily, self._prices(kept), portfolio=kept.portfolio
            )
        if by in FILL_KEYS:
            return split_of_fills(
                accounting, run, daily, self._prices(kept), by=by, portfolio=kept.portfolio
            )
        raise InvalidInputError(f"cannot attribute by {by!r}: one of {', '.join(KEYS)}")

    def _prices(self, kept: KeptBooks) -> Prices:
        """Return prices and rates of a range, and of the session before it."""
        sessions = kept.books.daily.sessions
        span = kept.dataset, sessions[0].item() - ONE_SESSION, sessions[-1].item()
        return Prices(self.closes(*span), self.rates(*span))

    def against_benchmark(
        self, kept: KeptBooks, terms: BrinsonTerms, *, start: date | None = None
    ) -> BenchmarkAttribution:
        """Split the excess return over the benchmark since `start`, by Brinson's effects.

        Parameters
        ----------
        kept : KeptBooks
            From the portfolio's beginning: the weights at the start of `start` rest on the
            session before.

        Raises
        ------
        InvalidInputError
            If the portfolio trades on a simulated market, whose benchmark is by currency.
        """
        if kept.portfolio in ON_SIMULATED_MARKETS:
            raise InvalidInputError(
                f"{kept.portfolio} is held against its benchmark by currency: "
                "ask for its currency attribution"
            )
        daily = kept.books.daily
        first, last = daily.sessions[0].item(), daily.sessions[-1].item()
        traded = self.accounting(kept.dataset).instruments
        return attribute_to_benchmark(
            kept.portfolio,
            daily,
            self.closes(kept.dataset, first - ONE_SESSION, last),
            {symbol: item.sector for symbol, item in traded.items() if item.sector},
            benchmark_name=self.benchmark_name(kept.dataset),
            terms=terms,
            start=start,
        )

    def by_factors(self, kept: KeptBooks, factors: Factors, *, by: str) -> Attribution:
        """Split by given factors: with one exposure each, or tilt and timing of a rolling one.

        Raises
        ------
        InvalidInputError
            If the key is none of `FACTOR_KEYS`.
        """
        if by not in FACTOR_KEYS:
            raise InvalidInputError(f"factors split by {' or '.join(FACTOR_KEYS)}, not {by!r}")
        split = by_factor if by == "factor" else by_factor_timing
        found = split(kept.books.daily, factors.values)
        return replace(found, notes=(*found.notes, *factors.notes))

    def _only(self) -> str:
        known = sorted(self.store.spans())
        if not known:
            raise MissingDataError("no day is kept yet: run `quantdesk demo`")
        return chosen_portfolio(known, None)
