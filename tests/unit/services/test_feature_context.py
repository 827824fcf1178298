"""Tests of what features read beside their bars, over a real lake in a folder."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from basics.errors import InvalidInputError, MissingDataError
from features.definitions import Feature, FeatureSet
from features.expressions import field
from features.operators import returns
from infra.bootstrap import Desk, open_desk
from infra.reference import ReferenceTables, Table
from infra.settings import Settings
from market.datasets import Dataset
from services.feature_context import FeatureContext

INDEX = Dataset(name="indices", fields=("close",), calendar="XNYS")
MACRO = Dataset(name="macro", fields=("value",), calendar=None)
BARS = Dataset(name="bars", fields=("close",), calendar="XNYS")
DAYS = [date(2022, 5, day) for day in (2, 3, 4, 5, 6)]
SESSIONS = np.array(DAYS, "datetime64[D]")
OWN = FeatureSet(
    "own",
    1,
    (
        Feature(
            "excess", returns(field("close"), 1) - returns(field("series.indices.SPX.close"), 1)
        ),
    ),
)


def _rows(
    dataset: Dataset, symbol: str, values: dict[date, float], *, lag: timedelta
) -> pl.DataFrame:
    stamps = [datetime(d.year, d.month, d.day, 20, tzinfo=UTC) for d in values]
    return dataset.conform(
        pl.DataFrame(
            {
                "symbol": symbol,
                "session": list(values),
                "event_time": stamps,
                "knowledge_time": [stamp + lag for stamp in stamps],
                dataset.fields[0]: list(values.values()),
            }
        )
    )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    soon = timedelta(minutes=15)
    with open_desk(Settings(state_dir=tmp_path)) as desk:
        lake = desk.market_data.lake
        closes = dict(zip(DAYS, (100.0, 101.0, 102.0, 103.0, 104.0), strict=True))
        lake.append(BARS, _rows(BARS, "A", closes, lag=soon))
        index = {day: 4000.0 + k for k, day in enumerate(DAYS) if k != 2}
        lake.append(INDEX, _rows(INDEX, "SPX", index, lag=soon))
        yields = {DAYS[0]: 0.03, DAYS[1]: 0.04, DAYS[2]: 0.05}
        lake.append(MACRO, _rows(MACRO, "AAA", yields, lag=timedelta(days=2)))
        yield desk


def _read(desk: Desk, name: str) -> np.ndarray:
    return FeatureContext(desk.market_data).read([name], ("A",), SESSIONS)[name]


def test_a_series_of_an_exchange_stands_in_its_own_sessions(desk: Desk) -> None:
    found = _read(desk, "series.indices.SPX.close")

    np.testing.assert_array_equal(found, [[4000.0, 4001.0, np.nan, 4003.0, 4004.0]])


def test_a_series_that_comes_out_late_is_known_late(desk: Desk) -> None:
    # Monday's yield comes out on Wednesday, Tuesday's on Thursday, Wednesday's on Friday.
    np.testing.assert_array_equal(
        _read(desk, "series.macro.AAA.value"), [[np.nan, np.nan, 0.03, 0.04, 0.05]]
    )


def test_a_row_of_an_exchange_that_came_late_is_missing_not_foreseen(desk: Desk) -> None:
    late = _rows(INDEX, "SPX", {DAYS[2]: 4002.0}, lag=timedelta(days=3))
    desk.market_data.lake.append(INDEX, late)

    assert np.isnan(_read(desk, "series.indices.SPX.close")[0, 2])


def test_features_over_a_series_follow_its_corrections(desk: Desk) -> None:
    before = desk.features.panel(OWN, "bars")
    corrected = _rows(INDEX, "SPX", {DAYS[1]: 4040.0}, lag=timedelta(minutes=20))
    desk.market_data.lake.append(INDEX, corrected)
    after = desk.features.panel(OWN, "bars")

    assert before["excess"][0, 1] == pytest.approx(101 / 100 - 4001 / 4000)
    assert after["excess"][0, 1] == pytest.approx(101 / 100 - 4040 / 4000)
    assert np.isnan(after["excess"][0, 2])


def test_live_features_follow_the_series_too(desk: Desk) -> None:
    store, later = desk.online_store, date(2022, 5, 9)
    desk.run(store.latest(OWN, "bars"))
    desk.run(store.take("bars", later, {"A": {"close": 110.0}}))
    alone = desk.run(store.latest(OWN, "bars"))
    desk.run(store.take("indices", later, {"SPX": {"close": 4100.0}}))
    both = desk.run(store.latest(OWN, "bars"))
    desk.run(store.take("bars", later, {"A": {"close": 111.0}}))
    moved = desk.run(store.latest(OWN, "bars"))

    assert np.isnan(alone.vectors["A"].values[0])
    assert both.vectors["A"].values[0] == pytest.approx(110 / 104 - 4100 / 4004, rel=1e-9)
    assert moved.vectors["A"].values[0] == pytest.approx(111 / 104 - 4100 / 4004, rel=1e-9)


def test_sectors_by_date_come_from_the_users_own_table(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    ReferenceTables.of(settings).add(
        Table.SECTOR_SPANS,
        [
            {"symbol": "AAPL", "sector": "Energy", "first": "2022-05-04", "last": "",
             "known_at": "2022-05-01T00:00:00+00:00"},
        ],
    )  # fmt: skip
    with open_desk(settings) as desk:
        history = desk.market_data.sector_history
        found = FeatureContext(desk.market_data).read(
            ["reference.sector"], ("AAPL", "nobody"), SESSIONS
        )["reference.sector"]

    technology, energy = (
        float(history.names.index(s)) for s in ("Information Technology", "Energy")
    )
    np.testing.assert_array_equal(
        found, [[technology, technology, energy, energy, energy], [np.nan] * 5]
    )


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("series.nothing.SPX.close", MissingDataError, "nothing"),
        ("series.indices.SPX.moon", MissingDataError, "no field moon"),
        ("series.indices.DAX.close", MissingDataError, "no row of DAX"),
        ("series.indices", InvalidInputError, "is no context"),
        ("reference.moon", InvalidInputError, "is no context"),
    ],
)
def test_what_is_not_there_is_named(
    desk: Desk, name: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        _read(desk, name)
