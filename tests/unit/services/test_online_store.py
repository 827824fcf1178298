"""Tests of the online store over a real lake in a folder, the disk and the in-process cache."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from basics.clock import ManualClock
from basics.errors import ConflictError, InvalidInputError, MissingDataError
from features.definitions import Feature, FeatureSet
from features.expressions import field
from features.operators import cross_rank, decayed, mean, returns
from infra.bootstrap import Desk, open_desk
from infra.settings import Settings
from market.calendars import exchange_calendar
from market.datasets import Dataset
from market.panel import Panel
from services.live_replay import replay_live
from services.online_store import OnlineStore, Trade

FIELDS = ("open", "high", "low", "close", "volume")
DATASET = Dataset(name="bars", fields=FIELDS, simulated=frozenset({"volume"}))
SYMBOLS = ("A", "B", "C")
CLOSE, VOLUME = field("close"), field("volume")
OWN = FeatureSet(
    "own",
    1,
    (
        Feature("ratio", CLOSE / mean(CLOSE, 5)),
        Feature("smooth", decayed(returns(CLOSE, 1), 0.8)),
        Feature("traded", mean(VOLUME, 3)),
    ),
)
ACROSS = FeatureSet("across", 1, (Feature("rank", cross_rank(returns(CLOSE, 2))),))
DAYS = exchange_calendar("XNYS").sessions(date(2022, 1, 3), date(2022, 4, 1)).to_list()
PAST, NEXT, AFTER = DAYS[:-2], DAYS[-2], DAYS[-1]
RNG = np.random.default_rng(5)
PATH = 50 * np.exp(np.cumsum(RNG.normal(0, 0.02, (3, len(DAYS))), axis=1))


def _bar(close: float, volume: float = 1000.0) -> dict[str, float]:
    return {
        "open": close, "high": close * 1.01, "low": close * 0.99, "close": close, "volume": volume
    }  # fmt: skip


def _rows(days: list[date]) -> pl.DataFrame:
    made = [
        {"symbol": symbol, "session": day, "event_time": stamp, "knowledge_time": stamp}
        | _bar(float(PATH[i, DAYS.index(day)]))
        for i, symbol in enumerate(SYMBOLS)
        for day in days
        for stamp in [datetime.combine(day, time(20), tzinfo=UTC)]
    ]
    return DATASET.conform(pl.DataFrame(made))


def _batch(features: FeatureSet, desk: Desk, *extra: dict[str, dict[str, float]]) -> np.ndarray:
    """Compute the set anew, with bars of the days after the lake's last, one mapping a day."""
    panel = desk.market_data.panel("bars", fields=FIELDS)
    fields = {}
    for name in FIELDS:
        live = [[day.get(s, {}).get(name, np.nan) for day in extra] for s in SYMBOLS]
        fields[name] = np.hstack([panel[name], np.array(live).reshape(3, len(extra))])
    later = np.array([NEXT, AFTER][: len(extra)], "datetime64[D]")
    whole = Panel(SYMBOLS, np.concatenate([panel.sessions, later]), fields)
    return features.compute(whole).values[:, :, -1]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    with open_desk(Settings(state_dir=tmp_path)) as desk:
        desk.market_data.lake.append(DATASET, _rows(PAST))
    return tmp_path


@pytest.fixture
def desk(state: Path) -> Iterator[Desk]:
    with open_desk(
        Settings(state_dir=state), clock=ManualClock(datetime(2022, 4, 1, tzinfo=UTC))
    ) as desk:
        yield desk


def _run(desk: Desk, work: Callable[[OnlineStore], Coroutine[Any, Any, Any]]) -> Any:
    return desk.run(work(desk.online_store))


def test_without_a_feed_the_lakes_own_features_are_told(desk: Desk) -> None:
    first = _run(desk, lambda store: store.latest(OWN, "bars", ["C", "A"]))
    second = _run(desk, lambda store: store.latest(OWN, "bars", ["C", "A"]))

    assert list(first.vectors) == ["C", "A"]
    assert first.vectors["C"].day == PAST[-1] == first.lake_session
    np.testing.assert_allclose(first.vectors["C"].values, _batch(OWN, desk)[:, 2], rtol=1e-9)
    assert (first.cached, second.cached) == (frozenset(), {"A", "C"})
    assert (first.simulated, first.vectors["A"].updated) == (("volume",), 0)


@pytest.mark.parametrize("features", [OWN, ACROSS], ids=["own", "across"])
def test_a_bar_that_forms_and_closes_moves_every_vector(desk: Desk, features: FeatureSet) -> None:
    def told() -> np.ndarray:
        found = _run(desk, lambda store: store.latest(features, "bars"))
        return np.column_stack([found.vectors[symbol].values for symbol in SYMBOLS])

    told()
    _run(desk, lambda store: store.take("bars", NEXT, {"A": _bar(70.0)}))
    np.testing.assert_allclose(told(), _batch(features, desk, {"A": _bar(70.0)}), rtol=1e-9)
    final = {symbol: _bar(40.0 + i) for i, symbol in enumerate(SYMBOLS)}
    _run(desk, lambda store: store.take("bars", NEXT, final))
    np.testing.assert_allclose(told(), _batch(features, desk, final), rtol=1e-9)
    then = {"B": _bar(41.5)}
    taken = _run(desk, lambda store: store.take("bars", AFTER, then))
    np.testing.assert_allclose(told(), _batch(features, desk, final, then), rtol=1e-9)
    assert (taken.session, taken.symbols, taken.feature_sets) == (AFTER, ("B",), (features.label,))


def test_a_restart_goes_on_where_the_feed_stood(state: Path) -> None:
    with open_desk(Settings(state_dir=state)) as before:
        _run(before, lambda store: store.take("bars", NEXT, {"A": _bar(60.0), "B": _bar(61.0)}))
    with open_desk(Settings(state_dir=state)) as after:
        _run(after, lambda store: store.take("bars", NEXT, {"B": {"close": 60.5}}))
        found = _run(after, lambda store: store.latest(OWN, "bars", ["A", "B"]))
        expected = _batch(OWN, after, {"A": _bar(60.0), "B": _bar(61.0) | {"close": 60.5}})

    np.testing.assert_allclose(found.vectors["A"].values, expected[:, 0], rtol=1e-9)
    np.testing.assert_allclose(found.vectors["B"].values, expected[:, 1], rtol=1e-9)
    assert found.vectors["B"].updated > found.vectors["A"].updated > 0


def test_another_process_never_tells_what_has_moved_on(state: Path) -> None:
    with open_desk(Settings(state_dir=state)) as one, open_desk(Settings(state_dir=state)) as two:
        _run(two, lambda store: store.latest(OWN, "bars"))
        _run(one, lambda store: store.take("bars", NEXT, {"A": _bar(60.0)}))
        found = _run(two, lambda store: store.latest(OWN, "bars", ["A"]))
        _run(two, lambda store: store.take("bars", NEXT, {"A": _bar(62.0)}))
        again = _run(one, lambda store: store.latest(OWN, "bars", ["A"]))

    assert (found.cached, found.vectors["A"].day) == (frozenset(), NEXT)
    assert again.vectors["A"].values[0] == pytest.approx(
        62.0 / np.mean([*PATH[0, -6:-2], 62.0]), rel=1e-9
    )


def test_once_the_lake_holds_the_session_its_own_rows_count(desk: Desk) -> None:
    _run(desk, lambda store: store.take("bars", NEXT, {"A": _bar(1.0)}))
    _run(desk, lambda store: store.latest(OWN, "bars"))
    desk.market_data.lake.append(DATASET, _rows([NEXT]))

    found = _run(desk, lambda store: store.latest(OWN, "bars", ["A"]))

    assert (found.lake_session, found.cached) == (NEXT, frozenset())
    np.testing.assert_allclose(found.vectors["A"].values, _batch(OWN, desk)[:, 0], rtol=1e-9)


def test_trades_are_folded_into_the_forming_bar(desk: Desk) -> None:
    trades = [Trade("A", 50.0, 10.0), Trade("B", 30.0, 5.0), Trade("A", 52.0, 30.0)]
    _run(desk, lambda store: store.take_trades("bars", NEXT, trades[:2]))
    _run(desk, lambda store: store.take_trades("bars", NEXT, trades[2:]))

    found = _run(desk, lambda store: store.latest(OWN, "bars", ["A"]))

    formed = {"open": 50.0, "high": 52.0, "low": 50.0, "close": 52.0, "volume": 40.0}
    np.testing.assert_allclose(
        found.vectors["A"].values, _batch(OWN, desk, {"A": formed})[:, 0], rtol=1e-9
    )


def test_what_cannot_be_taken_says_why(desk: Desk) -> None:
    def take(day: date, bars: dict[str, dict[str, float]]) -> None:
        _run(desk, lambda store: store.take("bars", day, bars))

    with pytest.raises(ConflictError, match="the lake holds bars up to"):
        take(PAST[-1], {"A": _bar(1.0)})
    with pytest.raises(InvalidInputError, match="2022-04-02 is no session of XNYS"):
        take(date(2022, 4, 2), {"A": _bar(1.0)})
    with pytest.raises(MissingDataError, match="no symbol X"):
        take(NEXT, {"X": _bar(1.0)})
    with pytest.raises(InvalidInputError, match="open is -1"):
        take(NEXT, {"A": _bar(-1.0)})
    with pytest.raises(InvalidInputError, match="no bar was sent"):
        take(NEXT, {})
    with pytest.raises(InvalidInputError, match="no trade was sent"):
        _run(desk, lambda store: store.take_trades("bars", NEXT, []))
    with pytest.raises(MissingDataError, match="no symbol X"):
        _run(desk, lambda store: store.latest(OWN, "bars", ["X"]))


@pytest.mark.parametrize("value", [float("nan"), 0.0, -1.0, float("inf")])
def test_a_feed_with_one_wrong_bar_changes_nothing(desk: Desk, value: float) -> None:
    _run(desk, lambda store: store.take("bars", NEXT, {"B": _bar(41.0)}))
    before = _run(desk, lambda store: store.latest(OWN, "bars"))
    wrong = {"A": _bar(70.0), "B": _bar(40.0) | {"close": value}}

    with pytest.raises(InvalidInputError, match=f"B: close is {value}: send a sound bar"):
        _run(desk, lambda store: store.take("bars", NEXT, wrong))
    trades = [Trade("A", 70.0, 1.0), Trade("B", value, 1.0)]
    with pytest.raises(InvalidInputError, match="a trade has a positive price and size"):
        _run(desk, lambda store: store.take_trades("bars", NEXT, trades))

    after = _run(desk, lambda store: store.latest(OWN, "bars"))
    for symbol in SYMBOLS:
        was, now = before.vectors[symbol], after.vectors[symbol]
        np.testing.assert_array_equal(now.values, was.values)
        assert (now.day, now.updated) == (was.day, was.updated)


def test_a_session_that_a_feed_left_out_is_a_gap_live_as_in_batch(desk: Desk) -> None:
    _run(desk, lambda store: store.take("bars", AFTER, {"A": _bar(41.0)}))
    _run(desk, lambda store: store.take("bars", AFTER, {"A": _bar(42.0, volume=0.0)}))

    found = _run(desk, lambda store: store.latest(OWN, "bars", ["A"]))

    panel = desk.market_data.panel("bars", fields=FIELDS)
    bar = _bar(42.0, volume=0.0)
    fields = {k: np.column_stack([panel[k], [bar[k], np.nan, np.nan]]) for k in FIELDS}
    days = np.append(panel.sessions, np.datetime64(AFTER))
    batch = OWN.compute(Panel(SYMBOLS, days, fields)).values[:, 0, -1]
    np.testing.assert_allclose(found.vectors["A"].values, batch, rtol=1e-9)


def test_a_vector_leaves_the_cache_after_its_time(state: Path) -> None:
    settings = Settings(state_dir=state)
    short = settings.model_copy(
        update={"cache": settings.cache.model_copy(update={"ttl_features_seconds": 0.05})}
    )
    with open_desk(short) as desk:
        _run(desk, lambda store: store.latest(OWN, "bars", ["A"]))
        desk.run(asyncio.sleep(0.1))
        found = _run(desk, lambda store: store.latest(OWN, "bars", ["A"]))

    assert (found.cached, found.vectors["A"].day) == (frozenset(), PAST[-1])


def test_a_replay_finds_live_equal_to_batch_and_counts_what_is_not(desk: Desk) -> None:
    seconds = iter(range(10_000))
    found = replay_live(
        desk.features, OWN, "bars", sessions=10, ticks=2,
        rng=np.random.default_rng(1), timer=lambda: float(next(seconds)),
    )  # fmt: skip

    assert (found.sessions, found.ticks, found.values, found.apart) == (10, 20, 90, 0)
    assert (found.last_session, found.bar_ms, found.tick_ms) == (PAST[-1], 1000.0, 1000.0)
    assert found.worst < 1e-12
    with pytest.raises(MissingDataError, match="replay fewer"):
        replay_live(
            desk.features, OWN, "bars", sessions=100, ticks=0,
            rng=np.random.default_rng(1), timer=lambda: 0.0,
        )  # fmt: skip
