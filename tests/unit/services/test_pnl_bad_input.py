"""Bad input to profit and loss, case by case: a named error or a value with a reason.

Each case goes through everything that can meet it below the edges: measures, ledger, books,
engine, attribution. `tests/integration/test_pnl_bad_input.py` has the same at the terminal and
the API. The cases and what becomes of them are tabled in docs/pnl.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import Instrument
from basics.trading import Book, Fill
from infra.database.engine import Database, open_database
from infra.database.ledger import DatabaseLedgerStore
from infra.database.schema import upgrade_database
from infra.database.tables.ledger import ledger_entries, ledger_postings
from infra.setting_groups import DatabaseSettings
from market.panel import Panel
from measures.drawdown import drawdown_table
from measures.performance_fused import fused_performance
from measures.performance_interval import NO_INTERVAL, bootstrap_intervals
from measures.performance_live import LivePerformance
from measures.performance_rolling import rolling_max_drawdown, rolling_sharpe_ratio
from pnl.brinson import HoldingSeries
from pnl.engine import PnlEngine
from pnl.events import CashKind, CashMovement
from services.accounting import Accounting
from services.pnl_figures import (
    FIGURES,
    RELATIVE_FIGURES,
    figures_of,
    selection_figure,
    sureness_of,
)
from services.pnl_performance import performance_of
from services.profit_splits import Prices, split_of_fills
from services.tear_sheet import tear_sheet

D = Decimal
RUN = "run-1"
BOOK = Book("Fund", "Core", "momentum", "acc")
SESSIONS = np.array(["2022-01-03", "2022-01-04", "2022-01-05"], dtype="datetime64[D]")
INSTRUMENTS = {
    "AAA": Instrument(symbol="AAA"),
    "BBB": Instrument(symbol="BBB"),
    "JP": Instrument(symbol="JP", currency="JPY"),
}
NOISE = np.random.default_rng(7).normal(0.0005, 0.01, 60)
NAMES = [row[0] for row in (*FIGURES, *RELATIVE_FIGURES)]


# Measures of returns: every figure of the document, one by one.

SERIES: dict[str, FloatArray] = {
    "empty range": np.zeros(0),
    "one observation": np.array([0.01]),
    "one observation of zero": np.zeros(1),
    "one total loss": np.array([-1.0]),
    "two observations": np.array([0.01, -0.02]),
    "zero volatility, flat": np.zeros(60),
    "zero volatility, rising": np.full(60, 0.01),
    "zero volatility, falling": np.full(60, -0.01),
    "a total loss in the middle": np.concatenate([NOISE[:30], [-1.0], NOISE[30:]]),
    "a total loss at the end": np.concatenate([NOISE, [-1.0]]),
    "gains alone": np.abs(NOISE),
    "losses alone": -np.abs(NOISE),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", SERIES)
def test_every_measure_has_a_value_or_a_reason(case: str, name: str) -> None:
    returns = SERIES[case]
    for benchmark in (np.random.default_rng(3).normal(0, 0.01, len(returns)), returns * 0.0):
        (figure,) = (f for f in figures_of(returns, benchmark) if f.name == name)
        if figure.value is None:
            assert figure.reason
            assert figure.reason != "it is undefined here"
        else:
            assert np.isfinite(figure.value)
            assert figure.reason is None


@pytest.mark.parametrize("case", SERIES)
def test_every_figure_has_an_interval_of_numbers_or_none(case: str) -> None:
    returns = SERIES[case]
    for benchmark in (None, np.random.default_rng(3).normal(0, 0.01, len(returns)), returns * 0.0):
        figures = figures_of(returns, benchmark, generator=np.random.default_rng(1))
        for figure in figures:
            assert (figure.low is None) == (figure.high is None)
            if figure.low is not None and figure.high is not None:
                assert np.isfinite([figure.low, figure.high]).all()
                assert figure.low <= figure.high
                assert figure.value is not None
    assert (sureness_of(len(returns)).reason is None) == (len(returns) >= 20)


def test_all_figures_but_those_that_resampling_says_nothing_of_have_intervals() -> None:
    figures = figures_of(NOISE, 0.5 * NOISE[::-1], generator=np.random.default_rng(1))

    without = {figure.name for figure in figures if figure.low is None}
    assert without == set(NO_INTERVAL)
    assert len(figures) - len(without) == 50


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (np.nan, "returns must be finite: drop or fill missing periods first"),
        (np.inf, "returns must be finite"),
        (-1.5, "a return of -1.5 loses more than everything"),
    ],
)
def test_every_measure_refuses_a_gap_and_what_cannot_be(name: str, bad: float, said: str) -> None:
    returns = np.array([0.01, bad, -0.01])
    (row,) = (row for row in (*FIGURES, *RELATIVE_FIGURES) if row[0] == name)
    arguments = [returns] if row in FIGURES else [returns, np.zeros(3)]
    with pytest.raises(InvalidInputError, match=said):
        row[2](*arguments)


@pytest.mark.parametrize("name", [row[0] for row in RELATIVE_FIGURES])
def test_every_relative_measure_refuses_a_benchmark_of_other_periods(name: str) -> None:
    (measure,) = (row[2] for row in RELATIVE_FIGURES if row[0] == name)
    with pytest.raises(InvalidInputError, match="benchmark"):
        measure(NOISE, NOISE[:-1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.5])
def test_the_other_forms_refuse_it_too(bad: float) -> None:
    returns = np.concatenate([NOISE, [bad]])
    live = LivePerformance()
    refusals = (
        lambda: fused_performance(np.stack([NOISE, returns[1:]])),
        lambda: rolling_sharpe_ratio(returns, window=20),
        lambda: rolling_max_drawdown(returns, window=20),
        lambda: drawdown_table(returns),
        lambda: live.update(bad),
        lambda: bootstrap_intervals(returns, generator=np.random.default_rng(1)),
    )
    for refused in refusals:
        with pytest.raises(InvalidInputError):
            refused()


def test_an_interval_of_one_observation_and_a_tear_sheet_of_one_are_named() -> None:
    with pytest.raises(MissingDataError, match="1 returns are too few, 3 are needed"):
        bootstrap_intervals([0.01], generator=np.random.default_rng(1))
    assert selection_figure(NOISE[:1], None).reason


# The books, on a real database.


def fill(n: int, symbol: str, quantity: int, price: str, currency: str | None = None) -> Fill:
    known = INSTRUMENTS[symbol].currency if symbol in INSTRUMENTS else "USD"
    return Fill(
        venue="SIM", exec_id=str(n), cl_ord_id=f"o{n}", book=BOOK, symbol=symbol,
        quantity=D(quantity), price=D(price), currency=currency or known,
        executed_at=datetime(2022, 1, 3, 21, tzinfo=UTC),
    )  # fmt: skip


def closes(aaa: Sequence[float], bbb: Sequence[float] = (50.0, 50.0, 50.0)) -> Panel:
    rows = np.array([aaa, bbb, (2000.0, 2000.0, 2000.0)])
    return Panel(("AAA", "BBB", "JP"), SESSIONS, {"close": rows})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(DatabaseSettings(), state_dir=tmp_path)
    upgrade_database(database)
    yield database
    database.close()


@pytest.fixture
def accounting(database: Database) -> Accounting:
    books = Accounting(store=DatabaseLedgerStore(database), instruments=INSTRUMENTS)
    books.pay_in(RUN, BOOK, day=date(2022, 1, 3), amount=D(2000))
    return books


def rows(database: Database) -> tuple[int, int]:
    with database.reading() as connection:
        found = [
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (ledger_entries, ledger_postings)
        ]
    return found[0], found[1]


BAD_FILLS = {
    "an unknown instrument": (fill(2, "ZZZ", 1, "10"), "unknown instrument 'ZZZ'"),
    "a negative price": (fill(2, "BBB", 1, "-10"), "a price of -10 is negative"),
    "another currency": (fill(2, "BBB", 1, "10", currency="EUR"), "trades in USD, not EUR"),
    "the same execution with other terms": (fill(1, "AAA", 10, "99"), "booked with other terms"),
}


@pytest.mark.parametrize("case", BAD_FILLS)
def test_one_bad_fill_among_good_ones_leaves_nothing_in_the_database(
    accounting: Accounting, database: Database, case: str
) -> None:
    bad, said = BAD_FILLS[case]
    before, positions = rows(database), accounting.positions(RUN)
    batch = [fill(1, "AAA", 10, "100"), bad, fill(3, "BBB", 4, "50")]

    with pytest.raises(Exception, match=said) as refused:
        accounting.book_fills(RUN, batch)

    assert type(refused.value).__module__ == "basics.errors"
    assert rows(database) == before
    assert accounting.positions(RUN) == positions
    # The good ones are booked whole afterwards, as if nothing had been.
    assert accounting.book_fills(RUN, [batch[0], batch[2]]).booked == 2
    entries, postings = rows(database)
    assert (entries - before[0], postings > before[1]) == (2, True)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"price": D("NaN")}, "price"),
        ({"price": D("Infinity")}, "price"),
        ({"quantity": D(0)}, "quantity"),
        ({"quantity": D("NaN")}, "quantity"),
        ({"executed_at": datetime(2022, 1, 3, 21, tzinfo=UTC).replace(tzinfo=None)}, "timezone"),
    ],
)
def test_a_fill_that_says_nothing_cannot_be_made(terms: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        replace(fill(1, "AAA", 10, "100"), **terms)  # type: ignore[arg-type]


def test_cash_that_is_no_number_cannot_be_made() -> None:
    with pytest.raises(InvalidInputError, match="amount must be finite, got NaN"):
        CashMovement(event_id="p", book=BOOK, day=date(2022, 1, 3), kind=CashKind.CAPITAL,
                     amount=D("NaN"))  # fmt: skip


def test_a_gap_in_the_marks_is_named_with_its_day_and_filled_by_nobody(
    accounting: Accounting,
) -> None:
    accounting.book_fills(RUN, [fill(1, "AAA", 10, "100")])
    gap = closes([100.0, np.nan, 102.0])

    with pytest.raises(MissingDataError, match="no mark for AAA, which is held on 2022-01-04"):
        accounting.daily_books(RUN, gap, portfolio="Core")
    with pytest.raises(MissingDataError, match="no mark for AAA, which is held on 2022-01-04"):
        accounting.valued_books(RUN, gap, portfolio="Core")
    # What is not held needs no price.
    unheld = closes([100.0, 101.0, 102.0], (np.nan, np.nan, np.nan))
    daily = accounting.daily_books(RUN, unheld, portfolio="Core")
    assert daily.pnl.sum(axis=0).tolist() == [0, 1_000, 1_000]
    with pytest.raises(MissingDataError, match="no mark for AAA: load its price"):
        split_of_fills(
            accounting, RUN, daily, Prices(closes([100.0, 101.0, np.nan])), by="side",
            portfolio="Core",
        )  # fmt: skip


def test_a_negative_mark_and_a_missing_or_impossible_rate_are_refused(
    accounting: Accounting,
) -> None:
    accounting.book_fills(RUN, [fill(1, "AAA", 10, "100"), fill(2, "JP", 1, "2000")])
    prices = closes([100.0, 101.0, 102.0])

    with pytest.raises(MissingDataError, match="JPY"):
        accounting.valued_books(RUN, prices, portfolio="Core")
    for rate in (0.0, -0.008):
        rates = Panel(("JPY",), SESSIONS, {"close": np.array([[0.008, rate, 0.008]])})
        with pytest.raises(InvalidInputError, match="JPY"):
            accounting.valued_books(RUN, prices, portfolio="Core", rates=rates)
    good = Panel(("JPY",), SESSIONS, {"close": np.full((1, 3), 0.008)})
    with pytest.raises(InvalidInputError, match="AAA"):
        accounting.valued_books(RUN, closes([100.0, -1.0, 102.0]), portfolio="Core", rates=good)


def test_an_empty_range_and_one_session_of_books(accounting: Accounting) -> None:
    accounting.book_fills(RUN, [fill(1, "AAA", 10, "100")])
    prices = closes([100.0, 101.0, 102.0])
    daily = accounting.daily_books(RUN, prices, portfolio="Core")

    with pytest.raises(MissingDataError, match="no session"):
        daily.between(date(2022, 2, 1), date(2022, 2, 28))
    with pytest.raises(MissingDataError, match="no session was closed: widen the range"):
        accounting.daily_books(RUN, prices.window(0, 0), portfolio="Core")
    one = performance_of(daily.between(date(2022, 1, 4), date(2022, 1, 4)))
    by_name = {figure.name: figure for figure in one.figures}
    assert by_name["total_return"].value == pytest.approx(10 / 2000)
    assert by_name["volatility"].reason == "1 returns are too few, 2 are needed: widen the range"
    with pytest.raises(MissingDataError, match="Core has 1 returns: a tear sheet needs two"):
        tear_sheet("Core", one, [])


def test_all_capital_lost_is_minus_a_hundred_per_cent_and_more_is_refused(
    accounting: Accounting,
) -> None:
    accounting.book_fills(RUN, [fill(1, "AAA", 20, "100")])

    lost = accounting.daily_books(RUN, closes([100.0, 0.0, 0.0]), portfolio="Core")
    assert lost.returns()[:2].tolist() == [0.0, -1.0]
    by_name = {f.name: f for f in performance_of(lost).figures}
    assert by_name["total_return"].value == -1.0
    assert by_name["max_drawdown"].value == 1.0
    accounting.book_fills(RUN, [fill(2, "BBB", -40, "50")])
    more = accounting.daily_books(
        RUN, closes([100.0, 0.0, 0.0], (50.0, 100.0, 100.0)), portfolio="Core"
    )
    with pytest.raises(InvalidInputError, match="loses more than everything"):
        performance_of(more)


# The engine.


def test_the_engine_names_what_it_lacks_and_keeps_what_it_had() -> None:
    engine = PnlEngine(INSTRUMENTS)
    with pytest.raises(MissingDataError, match="unknown instrument 'ZZZ'"):
        engine.trade([fill(1, "ZZZ", 1, "10")])
    engine.mark("AAA", 100.0, event_time_ns=1, sequence=1)
    for bad in (-1.0, float("nan"), float("inf")):
        engine.mark("AAA", bad, event_time_ns=2, sequence=2)
    engine.mark("ZZZ", 1.0, event_time_ns=2, sequence=2)
    taken = engine.snapshot(as_of_ns=3)

    assert engine.marks()["AAA"] == 100.0
    assert (taken.counts["invalid"], taken.counts["unknown"]) == (3, 1)
    for rate in (D(0), D(-1)):
        with pytest.raises(InvalidInputError, match="rate"):
            engine.set_rate("JPY", float(rate))


# Attribution against a benchmark.


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([0.5, 0.4], "benchmark_weights of period 0 sum to 0.9000"),
        ([0.7, 0.7], "benchmark_weights of period 0 sum to 1.4000"),
        ([0.0, 0.0], "benchmark_weights of period 0 sum to 0.0000"),
        ([np.nan, 1.0], "finite"),
    ],
)
def test_a_benchmark_whose_weights_do_not_sum_to_one_is_refused(
    weights: list[float], said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said):
        HoldingSeries(
            portfolio_weights=np.array([[0.5, 0.5]]),
            benchmark_weights=np.array([weights]),
            portfolio_returns=np.zeros((1, 2)),
            benchmark_returns=np.zeros((1, 2)),
        )
