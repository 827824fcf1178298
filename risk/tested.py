"""What the rows of a night and of the long run say of the evidence behind their numbers.

A row names the tests that it carries: the night's, that thousands of books can afford, or all of
them, for a book whose life is known.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from risk.backtests import Backtest
from risk.profile import TailEstimate

# What `risk.night_methods` finds for every book, on the book held constant.
NIGHT_TESTS = (
    "kupiec",
    "christoffersen",
    "coverage",
    "basel_zone",
    "frtb_multiplier",
    "fissler_ziegel",
)
# What `risk.backtests` adds.
ALL_TESTS = (
    *NIGHT_TESTS,
    "dynamic_quantile",
    "acerbi_szekely_z1",
    "acerbi_szekely_z2",
    "acerbi_szekely_z3",
    "model_confidence_set",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodEvidence:
    """One estimator at one confidence for one book: tomorrow's tail, and its evidence."""

    method: str
    confidence: float
    value_at_risk: float
    expected_shortfall: float
    best: bool
    in_confidence_set: bool
    backtest: Backtest


@dataclass(frozen=True, slots=True, kw_only=True)
class BookEvidence:
    """Every estimator of one book with every test.

    Attributes
    ----------
    basis : str
        What was tested, for the reader.
    """

    basis: str
    methods: tuple[MethodEvidence, ...]


def tested_methods(
    tails: Iterable[TailEstimate], backtests: Iterable[Backtest], *, basis: str
) -> BookEvidence | None:
    """Join one-day estimates with the backtests of their estimators; None where none was tested."""
    tests = {(test.estimator, test.confidence): test for test in backtests}
    methods = tuple(
        MethodEvidence(
            method=tail.method,
            confidence=tail.confidence,
            value_at_risk=tail.value_at_risk,
            expected_shortfall=tail.expected_shortfall,
            best=tail.best,
            in_confidence_set=tail.in_confidence_set,
            backtest=tests[tail.method, tail.confidence],
        )
        for tail in tails
        if tail.horizon_days == 1 and (tail.method, tail.confidence) in tests
    )
    return BookEvidence(basis=basis, methods=methods) if methods else None
