"""Planted defects are caught, each by the rule made for it; clean days raise no alarm."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from basics.errors import InvalidInputError
from infra.data_quality.policy import load_rules
from infra.isolation import PROJECT_ROOT
from infra.sources.sample import DATASETS, SampleSource
from market.calendars import exchange_calendar
from market.datasets import Dataset
from market.quality import (
    Inspection,
    Rule,
    Severity,
    Surroundings,
    flagged,
    inspect,
    line_texts,
    pardon,
)
from market.simulated.session import DailyBar, simulate_session
from market.ticks import depth_dataset, quotes_dataset, trades_dataset

DATASET = DATASETS["equities_ohlcv"]
RULES = load_rules(PROJECT_ROOT / "policy")
SESSIONS = exchange_calendar("XNYS").table
FIRST, LAST = date(2011, 3, 1), date(2011, 3, 28)  # Twenty ordinary sessions.
DAY = date(2011, 3, 15)
PRICES = ("open", "high", "low", "close", "adj_close")

Defect = Callable[[pl.DataFrame], pl.DataFrame]


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return next(SampleSource(seed=1).read("equities_ohlcv"))


def judged(rows: pl.DataFrame, bars: pl.DataFrame, rules: tuple[Rule, ...] = RULES) -> Inspection:
    first, last = rows["session"].min(), rows["session"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    start = min(first, FIRST)
    history = bars.filter(
        (pl.col("session") < start) & (pl.col("session") >= start - timedelta(days=90))
    )
    around = Surroundings(
        now=datetime(2011, 3, 28, 23, tzinfo=UTC),
        history=history,
        sessions=SESSIONS.filter(pl.col("session").is_between(start - timedelta(days=90), last)),
    )
    return inspect(rows, dataset=DATASET, rules=rules, around=around)


def at(symbol: str, day: date = DAY) -> pl.Expr:
    return (pl.col("symbol") == symbol) & (pl.col("session") == day)


def put(where: pl.Expr, **values: object) -> Defect:
    def defect(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(
            pl.when(where).then(value).otherwise(name).alias(name)  # type: ignore[call-overload]
            for name, value in values.items()
        )

    return defect


def times(where: pl.Expr, factor: float, *names: str) -> Defect:
    return put(where, **{name: pl.col(name) * factor for name in names})


def dropped(where: pl.Expr) -> Defect:
    return lambda rows: rows.filter(~where)


def repeated(where: pl.Expr, **changes: object) -> Defect:
    return lambda rows: pl.concat([rows, put(where, **changes)(rows).filter(where)])


def shifted(where: pl.Expr, **shift: int) -> Defect:
    return put(where, event_time=pl.col("event_time") + timedelta(**shift))


def moved_day(where: pl.Expr, day: date) -> Defect:
    stamp = datetime(day.year, day.month, day.day, 20, tzinfo=UTC)
    return put(where, session=pl.lit(day), event_time=pl.lit(stamp), knowledge_time=pl.lit(stamp))


def exchanged(one: str, other: str) -> Defect:
    def defect(rows: pl.DataFrame) -> pl.DataFrame:
        name = pl.col("symbol")
        swap = pl.when(name == one).then(pl.lit(other)).when(name == other).then(pl.lit(one))
        here = pl.col("session") == DAY
        after = pl.when(here).then(swap.otherwise(name)).otherwise(name)
        return rows.with_columns(after.alias("symbol"))

    return defect


def copied(names: tuple[str, ...], symbols: pl.Expr, sessions: int) -> Defect:
    """Repeat the values of `DAY` on the sessions after it."""

    def defect(rows: pl.DataFrame) -> pl.DataFrame:
        later = sorted(d for d in rows["session"].unique() if d > DAY)[:sessions]
        here = symbols & pl.col("session").is_in(later)
        return rows.with_columns(
            pl.when(here)
            .then(pl.col(n).filter(pl.col("session") == DAY).first().over("symbol"))
            .otherwise(n)
            .alias(n)
            for n in names
        )

    return defect


AAPL, IBM, ALL = pl.col("symbol") == "AAPL", pl.col("symbol") == "IBM", pl.lit(value=True)
FROM_DAY = pl.col("session") >= DAY
DEFECTS: dict[str, tuple[str, Defect]] = {
    "a close is missing": ("close-present", put(at("AAPL"), close=None)),
    "a close is infinite": ("close-present", put(at("AAPL"), close=float("inf"))),
    "a high is infinite": ("prices-positive", put(at("AAPL"), high=float("inf"))),
    "a volume is infinite": ("volume-not-negative", put(at("AAPL"), volume=float("inf"))),
    "a price is zero": ("prices-positive", put(at("AAPL"), open=0.0)),
    "a price is negative": ("prices-positive", times(at("AAPL"), -1.0, "close")),
    "high and low are exchanged": (
        "bar-order",
        put(at("AAPL"), high=pl.col("low"), low=pl.col("high")),
    ),
    "the close lies above the high": ("bar-order", times(at("AAPL"), 1.2, "close")),
    "volume is negative": ("volume-not-negative", times(at("AAPL"), -1.0, "volume")),
    "a row stands twice": ("key-unique", repeated(at("AAPL"))),
    "a row stands twice with another price": (
        "key-unique",
        repeated(at("AAPL"), close=pl.col("close") * 1.01),
    ),
    "a row is out of order": ("in-order", lambda r: pl.concat([r.filter(~at("IBM", FIRST)),
                                                               r.filter(at("IBM", FIRST))])),
    "a symbol has a blank": ("symbol-form", put(at("AAPL"), symbol=pl.lit("AAPL "))),
    "a symbol is in lower case": ("symbol-form", put(at("AAPL"), symbol=pl.lit("aapl"))),
    "a bar is on a Saturday": ("session-on-calendar", moved_day(at("AAPL"), date(2011, 3, 19))),
    "a bar is on a holiday": ("session-on-calendar", moved_day(at("AAPL"), date(2011, 2, 21))),
    "a time zone is applied twice": ("session-hours", shifted(at("AAPL"), hours=-5)),
    "a stamp is in the future": ("not-future", moved_day(at("AAPL"), date(2011, 4, 15))),
    "a row is known before it happened": (
        "known-after-event",
        put(at("AAPL"), knowledge_time=pl.col("event_time") - timedelta(hours=1)),
    ),
    "prices are in cents for a day": ("price-scale", times(at("AAPL"), 100.0, *PRICES)),
    "prices are in hundreds from a day on": ("price-scale", times(AAPL & FROM_DAY, 0.01, *PRICES)),
    "two symbols are exchanged": ("symbols-swapped", exchanged("AAPL", "IBM")),
    "yesterday's file comes again": (
        "session-repeated",
        copied((*PRICES, "volume"), ALL, 1),
    ),
    "a high has a misplaced digit": ("bar-range", times(at("AAPL"), 10.0, "high")),
    "a session is missing": ("session-missing", dropped(at("AAPL"))),
    "half of the file is missing": (
        "session-thin",
        dropped((AAPL | IBM) & (pl.col("session") == DAY)),
    ),
    "the currency of all prices changes": (
        "session-jump",
        times(FROM_DAY, 1.3, *PRICES),
    ),
    "a bar is repeated for days": ("bar-stale", copied((*PRICES, "volume"), AAPL, 3)),
    "a close is repeated for a week": ("price-stale", copied(("close",), AAPL, 6)),
    "volume is copied": ("volume-stale", copied(("volume",), AAPL, 3)),
    "a price jumps": ("return-outlier", times(AAPL & FROM_DAY, 1.4, *PRICES)),
    "a bad tick becomes the close": ("price-reversal", times(at("AAPL"), 1.25, *PRICES)),
    "a split is not recorded": ("split-like", times(AAPL & FROM_DAY, 0.5, *PRICES)),
    "volume is in other units": ("volume-spike", times(at("AAPL"), 1000.0, "volume")),
    "volume is absent": ("volume-absent", times(at("AAPL"), 0.0, "volume")),
    "a symbol is mistyped": ("symbol-new", put(at("AAPL"), symbol=pl.lit("APPL"))),
}  # fmt: skip


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_caught(bars: pl.DataFrame, name: str) -> None:
    rule, defect = DEFECTS[name]
    clean = bars.filter(pl.col("session").is_between(FIRST, LAST))
    planted = defect(clean)
    assert not planted.equals(clean)

    inspection = judged(planted, bars)

    found = {finding.rule: finding for finding in inspection.findings}
    assert rule in found, sorted(found)
    if found[rule].severity is Severity.STOP:
        assert inspection.stopped
        assert rule in set("; ".join(inspection.quarantined["reason"]).split("; "))
        assert inspection.passed.height + inspection.quarantined.height == planted.height
    else:
        assert found[rule].examples


def test_every_rule_of_prices_has_a_planted_defect() -> None:
    of_bars = {rule.id for rule in RULES if rule.reads(DATASET) is not None}
    assert of_bars == {rule for rule, _ in DEFECTS.values()}


def test_the_undisturbed_sessions_raise_nothing(bars: pl.DataFrame) -> None:
    clean = bars.filter(pl.col("session").is_between(FIRST, LAST))

    inspection = judged(clean, bars)

    assert inspection.findings == ()
    assert inspection.passed.equals(clean)


def test_250_clean_days_one_by_one_raise_no_alarm(bars: pl.DataFrame) -> None:
    days = SESSIONS.filter(pl.col("session") >= date(2010, 3, 1))["session"].head(250)
    alarms = []

    for day in days:
        start = day - timedelta(days=90)
        around = Surroundings(
            now=datetime(day.year, day.month, day.day, 23, tzinfo=UTC),
            history=bars.filter(pl.col("session").is_between(start, day - timedelta(days=1))),
            sessions=SESSIONS.filter(pl.col("session").is_between(start, day)),
        )
        rows = bars.filter(pl.col("session") == day)
        alarms += inspect(rows, dataset=DATASET, rules=RULES, around=around).findings

    assert len(days) == 250
    assert alarms == []


def test_250_days_of_bars_simulated_around_real_closes_raise_no_alarm() -> None:
    simulated = next(SampleSource(seed=1).read("equities"))
    days = SESSIONS.filter(pl.col("session") >= date(2021, 1, 4))["session"].head(250)
    alarms = []

    for first, last in zip(days[::5], days[4::5], strict=True):  # A week at a time.
        start = first - timedelta(days=90)
        around = Surroundings(
            now=datetime(last.year, last.month, last.day, 23, tzinfo=UTC),
            history=simulated.filter(pl.col("session").is_between(start, first, closed="left")),
            sessions=SESSIONS.filter(pl.col("session").is_between(start, last)),
        )
        rows = simulated.filter(pl.col("session").is_between(first, last))
        inspected = inspect(rows, dataset=DATASETS["equities"], rules=RULES, around=around)
        alarms += inspected.findings

    assert len(days) == 250
    assert alarms == []


def test_250_simulated_sessions_of_ticks_raise_no_alarm(bars: pl.DataFrame) -> None:
    hours = SESSIONS.select("session", "open_time", "close_time")
    real = bars.filter((pl.col("symbol") == "IBM") & (pl.col("session") >= date(2010, 3, 1)))
    rng, drawn = np.random.default_rng(3), []
    for row in real.head(250).join(hours, on="session").iter_rows(named=True):
        known = {name: row[name] for name in DailyBar.__dataclass_fields__}
        bar = DailyBar(**known | {"volume": int(row["volume"] / 1e4)})
        drawn.append(simulate_session(bar, rng, trades=20))

    assert len(drawn) == 250
    for make, tables in (
        (quotes_dataset, [session.quotes for session in drawn]),
        (trades_dataset, [session.trades for session in drawn]),
        (depth_dataset, [session.depth for session in drawn]),
    ):
        assert ticks_found(make, pl.concat(tables)) == {}


def test_a_split_that_the_adjusted_close_shows_is_no_alarm(bars: pl.DataFrame) -> None:
    # Apple split two for one on 2005-02-28.
    rows = bars.filter(pl.col("session").is_between(date(2005, 2, 1), date(2005, 3, 15)) & AAPL)
    sessions = SESSIONS.filter(pl.col("session").is_between(date(2005, 1, 3), date(2005, 3, 15)))
    around = Surroundings(now=datetime(2011, 1, 1, tzinfo=UTC), sessions=sessions)

    found = inspect(rows, dataset=DATASET, rules=RULES, around=around).findings
    unexplained = inspect(
        rows.with_columns(adj_close="close"), dataset=DATASET, rules=RULES, around=around
    ).findings

    assert found == ()
    assert {finding.rule for finding in unexplained} == {"return-outlier", "split-like"}


def test_flags_mark_the_rows_that_broke_each_rule(bars: pl.DataFrame) -> None:
    clean = bars.filter(pl.col("session").is_between(FIRST, LAST))
    planted = put(at("AAPL"), close=None)(clean)

    marked = flagged(planted, judged(planted, bars), dataset=DATASET, rules=RULES)

    assert marked["breaks close-present"].sum() == 1
    assert marked.filter("breaks close-present")["symbol"].to_list() == ["AAPL"]
    assert marked["breaks bar-order"].sum() == 0


def test_what_was_released_stops_nothing_and_what_changed_since_does(bars: pl.DataFrame) -> None:
    clean = bars.filter(pl.col("session").is_between(FIRST, LAST))
    planted = put(at("AAPL") | at("IBM"), open=-1.0)(clean)
    judged_once = judged(planted, bars)
    of_apple = {line for line in line_texts(judged_once.quarantined) if line.startswith("AAPL")}

    half = pardon(judged_once, planted, of_apple)
    whole = pardon(judged_once, planted, set(line_texts(judged_once.quarantined)))
    other = put(at("AAPL") | at("IBM"), open=-2.0)(clean)
    changed = pardon(judged(other, bars), other, set(line_texts(judged_once.quarantined)))

    assert half.quarantined["symbol"].to_list() == ["IBM"]
    assert [finding.count for finding in half.findings if finding.rule == "prices-positive"] == [1]
    assert half.passed.height == planted.height - 1
    assert (whole.stopped, whole.passed.equals(planted)) == (False, True)
    assert changed.quarantined.height == 2


def test_an_unknown_check_is_refused(bars: pl.DataFrame) -> None:
    rule = Rule(id="x", check="magic", severity=Severity.WARN)
    with pytest.raises(InvalidInputError, match="unknown check 'magic'"):
        judged(bars.filter(pl.col("session").is_between(FIRST, LAST)), bars, (rule,))


def ticks_found(make: Callable[..., Dataset], rows: pl.DataFrame) -> dict[str, int]:
    dataset = make("ticks", calendar="XNYS", simulated=True, source="drawn")
    around = Surroundings(now=datetime(2023, 1, 1, tzinfo=UTC), sessions=SESSIONS)
    findings = inspect(rows, dataset=dataset, rules=RULES, around=around).findings
    return {finding.rule: finding.count for finding in findings}


def test_ticks_are_judged_too() -> None:
    bar = DailyBar(
        symbol="A", session=date(2022, 5, 2), open=10.0, high=11.0, low=9.0, close=10.5,
        volume=1_000, open_time=datetime(2022, 5, 2, 13, 30, tzinfo=UTC),
        close_time=datetime(2022, 5, 2, 20, tzinfo=UTC),
    )  # fmt: skip
    drawn = simulate_session(bar, np.random.default_rng(1), trades=30)
    third = pl.col("sequence") == 3
    crossed = drawn.quotes.with_columns(pl.when(third).then(99.0).otherwise("bid").alias("bid"))
    unpaid = drawn.trades.with_columns(pl.when(third).then(0.0).otherwise("price").alias("price"))
    lost = drawn.depth.filter(pl.col("update_id") != 9)

    assert ticks_found(quotes_dataset, drawn.quotes) == {}
    assert ticks_found(trades_dataset, drawn.trades) == {}
    assert ticks_found(depth_dataset, drawn.depth) == {}
    assert ticks_found(quotes_dataset, crossed) == {"quote-crossed": 1}
    assert ticks_found(trades_dataset, unpaid) == {"trade-positive": 1}
    assert ticks_found(depth_dataset, lost) == {"depth-gap": 1}
