"""The whole evidence of the night's own books: the portfolios and each of their strategies.

A portfolio's is that of its profile. A strategy is tested as a portfolio is, by the same function:
every estimator forecast each day of the strategy's own life, held against what it really earned
after costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np

from basics.errors import QuantDeskError
from pnl.daily import DailyBooks
from risk.book import align_book
from risk.nightly import NightRow
from risk.profile import RiskProfile
from risk.tested import ALL_TESTS, BookEvidence, tested_methods
from services.portfolio_review import exposures_of, holdings_at_close
from services.risk_inputs import History, RiskInputs
from services.risk_measures import is_measurable, measure_book
from services.risk_profile import tested_tails

TOO_YOUNG = "its history is too short to test a forecast"


@dataclass(frozen=True, slots=True, kw_only=True)
class NightEvidence:
    """What the books of a night are tested with. It can be pickled.

    Attributes
    ----------
    known : mapping of book to BookEvidence or None
        What was found before; None for a book that was tried in vain.
    lives : mapping of book to RiskInputs
        Of the books that are tested in the night itself.
    lookback, seed : int
        As of the profile.
    """

    known: Mapping[str, BookEvidence | None] = field(default_factory=dict)
    lives: Mapping[str, RiskInputs] = field(default_factory=dict)
    lookback: int = 1_000
    seed: int = 0

    def of(self, book: str) -> tuple[BookEvidence | None, str]:
        """Return a book's evidence, or none with the reason, empty where its life is not known."""
        found, reason = self.known.get(book), TOO_YOUNG
        if book in self.lives and book not in self.known:
            try:
                found = evidence_of_life(
                    self.lives[book], lookback=self.lookback, rng=np.random.default_rng(self.seed)
                )
            except QuantDeskError as error:
                reason = str(error)
        expected = book in self.known or book in self.lives
        return found, "" if found is not None or not expected else reason


def with_evidence(row: NightRow, found: BookEvidence | None, reason: str = TOO_YOUNG) -> NightRow:
    """Return the row with what was found and the tests that it now carries, or why it has none."""
    if found is None:
        return replace(row, evidence_note=reason)
    return replace(row, evidence=found, tests=ALL_TESTS)


def evidence_of_profile(profile: RiskProfile) -> BookEvidence | None:
    """Return the evidence that a profile carries."""
    return tested_methods(profile.tails, profile.backtests, basis=profile.backtest_basis)


def evidence_of_life(
    inputs: RiskInputs, *, lookback: int, rng: np.random.Generator
) -> BookEvidence | None:
    """Test every estimator on the life of a book, as its profile would."""
    book = align_book(inputs.holdings, inputs.prices, lookback=lookback)
    if not is_measurable(book):
        return None
    measured = measure_book(inputs, book, float(inputs.equity.values[-1]))
    evidence, tails = tested_tails(inputs, measured, lookback, rng)
    tests = (test for run in evidence.runs for test in run.tests)
    return tested_methods(tails, tests, basis=evidence.basis)


def strategy_lives(
    inputs: RiskInputs, daily: DailyBooks, *, capital: Mapping[str, Decimal]
) -> dict[str, RiskInputs]:
    """Return what each strategy of a portfolio is tested on, by the name of its book.

    Parameters
    ----------
    inputs : RiskInputs
        Of the portfolio.
    daily : DailyBooks
        Up to the session of `inputs`.
    capital : mapping of str to Decimal
        Money that each strategy was given at the start.
    """
    return {
        f"{inputs.scope}/{name}": _life(inputs, daily, name, float(given))
        for name, given in sorted(capital.items())
    }


def _life(inputs: RiskInputs, daily: DailyBooks, strategy: str, given: float) -> RiskInputs:
    own = [at for at, (book, _) in enumerate(daily.keys) if book.strategy == strategy]
    exposures = exposures_of(
        replace(
            daily,
            keys=tuple(daily.keys[at] for at in own),
            pnl=daily.pnl[own],
            fees=daily.fees[own],
            market_value=daily.market_value[own],
        )
    )
    earned = daily.pnl[own].sum(axis=0) / 10.0**daily.digits
    return replace(
        inputs,
        scope=f"{inputs.scope}/{strategy}",
        holdings=holdings_at_close(exposures, inputs.prices),
        exposures=exposures,
        equity=History(daily.sessions, given + np.cumsum(earned)),
    )
