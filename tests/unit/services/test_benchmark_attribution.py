"""Tests of `services.benchmark_attribution`, with a day of two stocks written out."""

from datetime import date

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from basics.trading import Book
from market.panel import Panel
from pnl.daily import DailyBooks
from services.benchmark_attribution import (
    BenchmarkAttribution,
    BrinsonTerms,
    attribute_to_benchmark,
    brinson_terms,
)

BOOK = Book("fund", "demo", "s", "a")
DAYS = np.array(["2022-01-03", "2022-01-04", "2022-01-05"], dtype="datetime64[D]")
PRICES = Panel(
    ("A", "B"),
    np.concatenate([np.array(["2021-12-31"], dtype="datetime64[D]"), DAYS]),
    {"close": np.array([[100.0, 100, 110, 110], [50.0, 50, 50, 45]])},
)
SECTORS = {"A": "Energy", "B": "Tech"}
# 1,000.00 paid in on the first day, 600.00 of A bought at its close, for 1.00 of fees.
BOOKS = DailyBooks(
    currency="USD",
    digits=2,
    sessions=DAYS,
    keys=((BOOK, None), (BOOK, "A")),
    pnl=np.array([[0, 0, 0], [-100, 6_000, 0]]),
    fees=np.array([[0, 0, 0], [100, 0, 0]]),
    market_value=np.array([[0, 0, 0], [60_000, 66_000, 66_000]]),
    flows=np.array([100_000, 0, 0]),
    equity=np.array([99_900, 105_900, 105_900]),
)


def attributed(**how: object) -> BenchmarkAttribution:
    start, end = how.pop("start", None), how.pop("end", None)
    return attribute_to_benchmark(
        "demo", BOOKS, PRICES, SECTORS, benchmark_name="both", terms=BrinsonTerms(**how),  # type: ignore[arg-type]
        start=start, end=end,  # type: ignore[arg-type]
    )  # fmt: skip


def test_one_session_by_hand() -> None:
    found = attributed(start=date(2022, 1, 4), end=date(2022, 1, 4))

    rows = {row.group: row for row in found.groups}
    held = 600 / 999  # Of A; the rest is cash. A rose 10%, B stood still, so the benchmark 5%.
    assert rows["Energy"].allocation == pytest.approx((held - 0.5) * (0.10 - 0.05))
    assert rows["Tech"].allocation == pytest.approx((0 - 0.5) * (0.00 - 0.05))
    assert rows["cash"].allocation == pytest.approx((1 - held) * (0.00 - 0.05))
    assert [row.selection for row in found.groups] == pytest.approx([0.0, 0.0, 0.0])
    assert found.trading == pytest.approx(0.0)
    assert found.excess == pytest.approx(60 / 999 - 0.05)


def test_fees_of_the_first_day_are_trading() -> None:
    found = attributed(end=date(2022, 1, 3))

    assert found.trading == pytest.approx(-1 / 1_000)
    assert found.excess == pytest.approx(-1 / 1_000)


@pytest.mark.parametrize("linking", ["carino", "menchero", "grap", "frongello"])
@pytest.mark.parametrize("levels", [("sector",), ("symbol",), ("sector", "symbol")])
@pytest.mark.parametrize("model", ["bf", "bhb"])
def test_every_way_of_linking_adds_up_to_the_span(
    linking: str, levels: tuple[str, ...], model: str
) -> None:
    terms = brinson_terms(model, linking, levels, interaction=True)
    found = attribute_to_benchmark(
        "demo", BOOKS, PRICES, SECTORS, benchmark_name="both", terms=terms
    )

    effects = sum(row.allocation + row.selection + (row.interaction or 0.0) for row in found.groups)
    assert effects + found.trading == pytest.approx(found.excess, abs=1e-12)
    assert found.portfolio_return == pytest.approx(0.999 * 1_059 / 999 - 1)
    assert found.benchmark_return == pytest.approx(1.05 * 0.95 - 1)
    assert found.geometric.excess == pytest.approx(
        (1 + found.portfolio_return) / (1 + found.benchmark_return) - 1
    )


def test_what_cannot_be_answered_is_refused_by_name() -> None:
    with pytest.raises(MissingDataError, match="no session from 2023-01-01"):
        attributed(start=date(2023, 1, 1))
    with pytest.raises(InvalidInputError, match="levels are sector, symbol"):
        attributed(levels=("symbol", "sector"))
    with pytest.raises(InvalidInputError, match="linking is carino"):
        brinson_terms("bf", "addition", ["sector"], interaction=False)
    with pytest.raises(InvalidInputError, match="A is not among the benchmark"):
        attribute_to_benchmark(
            "demo", BOOKS, Panel(("B",), PRICES.sessions, {"close": PRICES["close"][1:]}), SECTORS,
            benchmark_name="both", terms=BrinsonTerms(),
        )  # fmt: skip
