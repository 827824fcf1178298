"""Tests of `services.factor_series`: the sample's factors, their stand-ins, and a user's own."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from basics.errors import InvalidInputError, MissingDataError
from infra.bootstrap import open_desk
from infra.settings import Settings
from market.datasets import Dataset
from services.factor_series import FactorSeries

N, MONTHS = 1_200, 50
SESSIONS = np.busday_offset("2014-01-02", np.arange(N), roll="forward").astype("datetime64[D]")
LAST = SESSIONS[-60:]
YIELD_MONTHS = np.arange("2014-01", "2018-03", dtype="datetime64[M]")
VIX_ENDS = 1_000  # Sessions of which the VIX is known.


def bars(dataset: str, field: str, series: dict[str, tuple[np.ndarray, np.ndarray]]) -> tuple:
    frames = [
        pl.DataFrame({"symbol": [symbol] * len(days), "session": days, field: values})
        for symbol, (days, values) in series.items()
    ]
    moment = pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    table = pl.concat(frames).with_columns(session=pl.col("session").cast(pl.Date))
    table = table.with_columns(event_time=moment, knowledge_time=moment)
    return Dataset(name=dataset, fields=(field,), calendar=None), table


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FactorSeries]:
    rng = np.random.default_rng(11)
    month_of = np.searchsorted(YIELD_MONTHS, SESSIONS.astype("datetime64[M]"))
    yields = 0.04 + np.cumsum(rng.normal(0, 0.002, len(YIELD_MONTHS)))
    change = np.append(np.diff(yields, prepend=yields[0]), np.zeros(100))[month_of] / 21
    market = rng.normal(0, 0.01, N)
    # RATES gains 5% for each point that the yield rises, CALM nothing.
    moves = {"RATES": market + 5 * change, "CALM": market, "THIRD": market - 5 * change}
    closes = {s: (SESSIONS, 100 * np.cumprod(1 + m)) for s, m in moves.items()}
    with open_desk(Settings(state_dir=tmp_path_factory.mktemp("factors"))) as desk:
        index = {"SPX": (SESSIONS, 1_000 * np.cumprod(1 + market))}
        funds = {s: (SESSIONS, 50 * np.cumprod(1 + rng.normal(0, 0.01, N)))
                 for s in ("MTUM", "QUAL", "SIZE", "USMV", "VLUE")}  # fmt: skip
        vix = 15 + rng.normal(0, 1, VIX_ENDS)
        macro = {"AAA": (YIELD_MONTHS.astype("datetime64[D]"), yields),
                 "VIX": (SESSIONS[:VIX_ENDS], vix)}  # fmt: skip
        for name, field, found in (
            ("equities", "close", closes), ("indices", "close", index),
            ("factor_etfs", "close", funds), ("macro", "value", macro),
        ):  # fmt: skip
            desk.market_data.lake.append(*bars(name, field, found))
        yield desk.factor_series


def test_where_the_vix_ends_the_index_tells_volatility(series: FactorSeries) -> None:
    late, early = series.on(LAST), series.on(SESSIONS[VIX_ENDS - 50 : VIX_ENDS])

    assert next(iter(late.values)) == "market"
    assert {"momentum", "rates", "volatility"} <= set(late.values)
    assert all(np.isfinite(values).all() for values in late.values.values())
    assert "the VIX does not reach" in late.notes[1]
    assert early.notes[1] == "volatility: the change of the VIX"
    # A large move raises the forecast of volatility, a quiet session lowers it.
    moves, innovation = np.abs(late.values["market"]), late.values["volatility"]
    assert innovation[np.argmax(moves)] > 0 > innovation[np.argmin(moves)]


def test_rates_are_mimicked_by_what_moved_with_the_yield_before(series: FactorSeries) -> None:
    found = series.on(LAST)
    prices = series.market.panel("equities", fields=("close",))
    moves = prices["close"][:, 1:] / prices["close"][:, :-1] - 1
    calm, rates, third = moves[:, -60:]

    assert found.notes[0].startswith("rates: 3 stocks weighted by their moves with the monthly AAA")
    assert "until 2018-02" in found.notes[0]
    assert prices.symbols == ("CALM", "RATES", "THIRD")
    # Long what gained when yields rose, short what lost: the market cancels.
    assert np.corrcoef(found.values["rates"], rates - third)[0, 1] > 0.99
    assert abs(found.values["rates"].sum()) < abs(calm).sum()


def test_a_user_adds_a_factor_from_the_lake_or_a_file(series: FactorSeries, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("date,return\n" + "".join(f"{day},0.01\n" for day in LAST[1:]))
    own = series.with_own(
        {"calm": "equities/CALM", "points": "equities/CALM/close@change", "mine": str(path)}
    )

    found = own.on(LAST)

    prices = series.market.panel("equities", fields=("close",), symbols=("CALM",))["close"][0]
    assert found.values["calm"] == pytest.approx(prices[-60:] / prices[-61:-1] - 1)
    assert found.values["points"] == pytest.approx(np.diff(prices[-61:]))
    assert np.isnan(found.values["mine"][0])
    assert found.values["mine"][1:].tolist() == [0.01] * 59
    assert found.notes[-1] == f"mine: your factor, {path}"


@pytest.mark.parametrize(
    ("own", "error", "words"),
    [
        ({"market": "equities/CALM"}, InvalidInputError, "is called 'market' already"),
        ({"x": "nowhere/CALM"}, InvalidInputError, "there is no dataset 'nowhere'"),
        ({"x": "equities"}, InvalidInputError, "is no dataset/symbol"),
        ({"x": "equities/CALM@log"}, InvalidInputError, "is no dataset/symbol"),
        ({"x": "equities/CALM/volume"}, InvalidInputError, "has the fields close"),
        ({"x": "macro/VIX"}, MissingDataError, "has no value between"),
        ({"x": "missing.csv"}, InvalidInputError, "is not a file"),
    ],
)
def test_what_is_no_factor_is_refused(
    series: FactorSeries, own: dict[str, str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        series.with_own(own).on(LAST)


def test_a_stand_in_that_cannot_be_made_is_left_out_with_its_reason(series: FactorSeries) -> None:
    first = SESSIONS[300:360]

    found = replace(series).on(first)

    assert "rates" not in found.values
    assert found.notes[0].startswith("rates left out: prices and yields share")
    assert date(2015, 1, 1) < first[0].item()
