"""A state folder as a batch leaves it: a risk profile, performance and attribution of one book.

Small and quick, on prices drawn from a seed; the values come from the services themselves.
"""

import socket
import threading
import time as clock
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import httpx
import lightgbm
import numpy as np
import polars as pl
import pytest
import uvicorn

from basics.instruments import Instrument
from basics.trading import Book, Fill
from infra.api_key import api_key
from infra.bootstrap import Desk, open_desk
from infra.settings import Settings
from market.datasets import Dataset
from market.panel import Panel
from risk.book import Holding
from services.model_documents import Manifest, to_json
from services.ports import KeptBooks, ModelRun
from services.risk_inputs import History, RiskInputs
from serving.app import create_app
from serving.startup import ComponentState

Served = Callable[..., AbstractContextManager[httpx.Client]]

RUN, PORTFOLIO = "run-1", "core"
BOOK = Book("fund", PORTFOLIO, "momentum", "acc-1")
SYMBOLS = ("AAA", "BBB", "CCC")
SESSIONS = np.arange("2020-01-01", 900, dtype="datetime64[D]")
LIFE = 300
_DATASET = Dataset(
    name="equities",
    fields=("close", "volume"),
    calendar=None,
    simulated=frozenset({"close", "volume"}),
)
FEATURES = tuple(f"feature_{n}" for n in range(50))
LINEAGE = {"run_id": RUN, "seed": 1}


@pytest.fixture(scope="session")
def stocked_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder whose database holds the documents of portfolio `core`."""
    state = tmp_path_factory.mktemp("stocked")
    closes = _closes()
    with open_desk(Settings(state_dir=state)) as desk:
        accounting = desk.accounting(
            {symbol: Instrument(symbol=symbol, sector="tech") for symbol in SYMBOLS}
        )
        start = SESSIONS[-LIFE].item()
        accounting.pay_in(RUN, BOOK, day=start, amount=Decimal(1_000_000))
        accounting.book_fills(RUN, [_fill(symbol, closes) for symbol in SYMBOLS])
        life = closes.window(len(SESSIONS) - LIFE, len(SESSIONS))
        day = SESSIONS[-1].item()
        _register_models(desk)
        desk.market_data.lake.append(_DATASET, _bars(closes))
        books = accounting.valued_books(RUN, life, portfolio=PORTFOLIO)
        desk.pnl_keeping.keep(KeptBooks(PORTFOLIO, RUN, "equities", books), lineage=LINEAGE)
        desk.risk.store(desk.risk.profile(_risk_inputs(closes, day)), lineage=LINEAGE)
    return state


@pytest.fixture(scope="session")
def served() -> Served:
    """Return a function that serves a state folder over a real socket and yields a client."""
    return _serve


@contextmanager
def _serve(
    settings: Settings, *, on_started: Callable[[ComponentState], None] = lambda _: None
) -> Iterator[httpx.Client]:
    with open_desk(settings) as desk, socket.create_server(("127.0.0.1", 0)) as listener:
        app = create_app(desk, on_started=on_started)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        headers = {"X-API-Key": api_key(settings)}
        try:
            with httpx.Client(base_url=address, headers=headers, timeout=30) as client:
                while client.get("/ready").status_code != 200:
                    clock.sleep(0.01)
                yield client
        finally:
            server.should_exit = True
            thread.join()


def _register_models(desk: Desk) -> None:
    """Register two versions of the model `price`; the first reigns."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, len(FEATURES)))
    for number in (1, 2):
        data = lightgbm.Dataset(x, number * x[:, 0] + x[:, 1] ** 2, feature_name=list(FEATURES))
        parameters = {"verbose": -1, "num_leaves": 31, "seed": 1, "num_threads": 1}
        booster = lightgbm.train(parameters, data, num_boost_round=50)
        run = ModelRun(
            name="price",
            estimator="lightgbm",
            trial_key=f"trial-{number}",
            parameters={},
            metrics={},
            series={},
            files={
                "model/model.txt": booster.model_to_string().encode(),
                "model/manifest.json": to_json(_manifest(booster, x[-1])),
            },
            tags={"feature_set": "sample@1", "feature_hash": "f00d", "data_version": "d1"},
        )
        version = desk.models.register(run, format="lightgbm-text", input_key=f"key-{number}")
        if number == 1:
            desk.models.move_alias("price", "champion", version.version, expected=None, reason="-")


def _manifest(booster: lightgbm.Booster, row: np.ndarray) -> Manifest:
    return Manifest(
        name="price", estimator="lightgbm", format="lightgbm-text", file="model.txt",
        feature_set="sample@1", feature_hash="f00d", feature_names=FEATURES,
        target="a sum", horizon=5, data_version="d1",
        trained_first=date(2020, 1, 1), trained_last=date(2021, 1, 1), training_rows=400,
        parameters={}, example=tuple(row.tolist()),
        example_prediction=float(booster.predict(row[None])[0]),
    )  # fmt: skip


def _closes() -> Panel:
    rng = np.random.default_rng(7)
    returns = rng.standard_t(5, size=(len(SYMBOLS), len(SESSIONS))) * 0.01
    return Panel(SYMBOLS, SESSIONS, {"close": 100 * np.cumprod(1 + returns, axis=1)})


def _bars(closes: Panel) -> pl.DataFrame:
    days = pl.DataFrame({"session": closes.sessions.astype("datetime64[ms]")})
    close = dict(zip(SYMBOLS, closes["close"], strict=True))
    frames = [days.with_columns(symbol=pl.lit(s), close=pl.Series(close[s])) for s in SYMBOLS]
    return pl.concat(frames).with_columns(
        session=pl.col("session").cast(pl.Date),
        event_time=pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        knowledge_time=pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        volume=pl.lit(1e7),
    )


def _fill(symbol: str, closes: Panel) -> Fill:
    price = closes["close"][SYMBOLS.index(symbol), -LIFE]
    return Fill(
        venue="SIM", exec_id=symbol, cl_ord_id=symbol, book=BOOK, symbol=symbol,
        quantity=Decimal(1000), price=Decimal(f"{price:.2f}"),
        executed_at=datetime.combine(SESSIONS[-LIFE].item(), time(21), tzinfo=UTC),
    )  # fmt: skip


def _risk_inputs(closes: Panel, day: date) -> RiskInputs:
    held = 1000.0 * closes["close"][:, -LIFE:]
    return RiskInputs(
        scope=PORTFOLIO,
        as_of=day,
        holdings={
            symbol: Holding(1000.0, float(value))
            for symbol, value in zip(SYMBOLS, held[:, -1], strict=True)
        },
        prices=closes,
        sectors=dict.fromkeys(SYMBOLS, "tech"),
        equity=History(SESSIONS[-LIFE:], 700_000 + held.sum(axis=0)),
        exposures=Panel(SYMBOLS, SESSIONS[-LIFE:], {"exposure": held}),
    )
