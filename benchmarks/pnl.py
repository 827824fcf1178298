"""Profit and loss: the live engine, a million fills, performance measures and Brinson at speed.

Peers: empyrical-reloaded, quantstats and pandas, run in their own environment in the same run, on
the same returns. Limits are those the desk sets itself. Compilation is paid before the clock runs.
"""

import itertools
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from basics.arrays import FloatArray
from basics.instruments import Instrument
from basics.trading import Book, Fill, Lineage
from benchmarks.harness import Row, best_seconds, publish, run_peer
from benchmarks.pnl_peers import PEER_SCRIPT
from infra.database.engine import open_database
from infra.database.ledger_bulk import append_fills
from infra.database.schema import upgrade_database
from infra.isolation import PROJECT_ROOT
from infra.setting_groups import DatabaseSettings
from measures import performance as pf
from measures.drawdown import max_drawdown
from measures.performance_fused import FUSED_MEASURES, fused_performance
from measures.performance_rolling import rolling_max_drawdown, rolling_sharpe_ratio
from measures.performance_tail import tail_measures
from pnl.brinson import HoldingSeries, brinson
from pnl.bulk import fold_fills
from pnl.engine import PnlEngine
from pnl.linking import Linking, link
from pnl.position_state import Position

SEED = 20221228
SERIES, DAYS, LONG = 5_000, 2_500, 1_000_000
STRATEGIES, SYMBOLS, FILLS = 1_000, 100, 1_000_000
WINDOW = 252


def main() -> None:
    """Run every claim and publish the table."""
    folder = Path(tempfile.mkdtemp(dir=PROJECT_ROOT / "var" / "tmp"))
    try:
        rows = [*_engine(), *_fills(folder), *_measures(folder), _brinson()]
    finally:
        shutil.rmtree(folder)
    publish("pnl", rows)


def _engine() -> list[Row]:
    generator = np.random.default_rng(SEED)
    instruments = {f"S{i:03}": Instrument(symbol=f"S{i:03}", sector=f"sector {i % 11}")
                   for i in range(SYMBOLS)}  # fmt: skip
    engine = PnlEngine(instruments)
    books = [Book("Fund", "Core", f"strategy {k}", "account") for k in range(STRATEGIES)]
    engine.hold(_position(book, symbol, generator) for symbol in instruments for book in books)
    engine.trade(_trades(books, list(instruments), generator))
    for symbol in instruments:
        engine.mark(symbol, 100.0, event_time_ns=1, sequence=1)
    n = 20_000
    at = np.arange(n) + 2
    ticks = np.column_stack([generator.integers(0, SYMBOLS, n), at, at]).astype(np.int64)
    prices = 100.0 + generator.standard_normal(n)

    def stream() -> None:
        ticks[:, 1:] += n
        engine.mark_many(ticks, prices)

    seconds = best_seconds(stream)
    streamed = engine.totals()[0]
    engine.remark()
    off = np.abs(streamed - engine.totals()[0]).max() / engine.gross_exposure()
    print(f"streaming differs from batch by {off:.1e} of gross exposure")
    remark = statistics.median(_each(engine.remark, 200))
    tick = statistics.median(_ticks(engine, 5_000))
    taken = statistics.median(_each(lambda: engine.snapshot(as_of_ns=1), 50))
    plain = _without_orders(instruments, books, generator)
    few = statistics.median(_ticks(plain, 5_000))
    few_taken = statistics.median(_each(lambda: plain.snapshot(as_of_ns=1), 50))
    return [
        Row("pnl.marks", "position marks a second, one core, every attribution current",
            n * STRATEGIES / seconds, "1/s", "limit 50 million", 50e6),
        Row("pnl.tick", "one tick through the public call, median", tick * 1e6, "us", "limit", 10),
        Row("pnl.tick_by_orders", f"one tick with {STRATEGIES * SYMBOLS:,} orders in the books",
            tick * 1e6, "us", "the same books with one order a symbol", few * 1e6),
        Row("pnl.snapshot_by_orders", f"a snapshot with {STRATEGIES * SYMBOLS:,} orders",
            taken * 1e3, "ms", "the same books with one order a symbol", few_taken * 1e3),
        Row("pnl.remark", "100,000 positions summed afresh", remark * 1e3, "ms", "limit", 1),
    ]  # fmt: skip


def _without_orders(
    instruments: dict[str, Instrument], books: list[Book], generator: np.random.Generator
) -> PnlEngine:
    """Return the same positions, of one order a symbol."""
    engine = PnlEngine(instruments)
    engine.hold(_position(book, symbol, generator) for symbol in instruments for book in books)
    engine.trade(_trades(books[:1], list(instruments), generator))
    for symbol in instruments:
        engine.mark(symbol, 100.0, event_time_ns=1, sequence=1)
    return engine


def _position(book: Book, symbol: str, generator: np.random.Generator) -> Position:
    quantity = Decimal(int(generator.integers(-100, 101)))
    return Position(
        book=book, symbol=symbol, currency="USD", multiplier=Decimal(1), quantity=quantity,
        cost=quantity * 99, realised=Decimal(5), fees=Decimal(1), income=Decimal(0), lots=(),
    )  # fmt: skip


def _trades(
    books: list[Book], symbols: list[str], generator: np.random.Generator
) -> Iterator[Fill]:
    """Yield a fill for each position: of an order of its own, three versions, two arms."""
    day = datetime(2022, 1, 3, tzinfo=UTC)
    for n, (symbol, book) in enumerate(itertools.product(symbols, books)):
        yield Fill(
            venue="SIM", exec_id=f"E{n}", cl_ord_id=f"order {n}", book=book, symbol=symbol,
            quantity=Decimal(int(generator.integers(1, 101)) * (-1) ** n), price=Decimal(99),
            executed_at=day + timedelta(hours=14 + n % 7),
            lineage=Lineage(model_version=f"v{n % 3}", arm=f"arm {n % 2}"),
        )  # fmt: skip


def _each(run, times: int) -> list[float]:  # type: ignore[no-untyped-def] # noqa: ANN001 - any callable
    found = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return found


def _ticks(engine: PnlEngine, times: int) -> list[float]:
    found = []
    for i in range(times):
        start = time.perf_counter()
        engine.mark("S050", 100.0 + i * 1e-4, event_time_ns=10**9 + i, sequence=10**9 + i)
        found.append(time.perf_counter() - start)
    return found


def _fills(folder: Path) -> list[Row]:
    generator = np.random.default_rng(SEED)
    instruments = {f"S{i:03}": Instrument(symbol=f"S{i:03}") for i in range(500)}
    symbols, strategies = generator.integers(0, 500, FILLS), generator.integers(0, 20, FILLS)
    path = folder / "fills.parquet"
    pl.DataFrame(
        {
            "venue": ["SIM"] * FILLS,
            "exec_id": [f"E{i:08}" for i in range(FILLS)],
            "cl_ord_id": ["order"] * FILLS,
            "fund": ["Fund"] * FILLS,
            "portfolio": ["Core"] * FILLS,
            "strategy": [f"strategy {k}" for k in strategies],
            "account": ["account"] * FILLS,
            "symbol": [f"S{k:03}" for k in symbols],
            "currency": ["USD"] * FILLS,
            "quantity": generator.choice([-300, -200, -100, 100, 200, 300], FILLS),
            "price": np.round(generator.uniform(10, 500, FILLS), 2),
            "fee": np.round(generator.uniform(0, 3, FILLS), 2),
        }
    ).with_columns(
        pl.col("quantity").cast(pl.Decimal(18, 0)),
        pl.col("price", "fee").cast(pl.Decimal(18, 2)),
        pl.datetime(2022, 1, 3, 21, time_zone="UTC").alias("executed_at"),
    ).write_parquet(path)
    database = open_database(DatabaseSettings(), state_dir=folder)
    upgrade_database(database)
    start = time.perf_counter()
    fills = pl.read_parquet(path)
    folded = fold_fills(fills, instruments)
    computed = time.perf_counter() - start
    append_fills(database, "bench", fills, folded)
    durable = time.perf_counter() - start
    database.close()
    return [
        Row("pnl.fills", "1 million fills from Parquet, FIFO lots in Decimal, computed",
            computed, "s", "limit", 10),
        Row("pnl.fills_durable", "the same, with entries and postings committed to SQLite",
            durable, "s", "limit", 20),
    ]  # fmt: skip


def _measures(folder: Path) -> list[Row]:
    generator = np.random.default_rng(SEED)
    returns = generator.normal(0.0003, 0.01, (SERIES, DAYS))
    long = generator.normal(0.0003, 0.01, LONG)
    np.save(folder / "returns.npy", returns)
    np.save(folder / "long.npy", long)
    peers = run_peer(PEER_SCRIPT, str(folder), str(WINDOW), timeout_seconds=1500)
    _agree(returns, long, peers["values"])
    fused_performance(returns[:8])
    tail_measures(returns[:8])
    rolling_sharpe_ratio(long[:2000], window=WINDOW)
    rolling_max_drawdown(long[:2000], window=WINDOW)
    two = best_seconds(lambda: fused_performance(returns, threads=2))
    one = best_seconds(lambda: fused_performance(returns, threads=1))
    tails = best_seconds(lambda: tail_measures(returns, threads=2))
    # Milliseconds: five runs say little, so both sides take the best of twenty.
    sharpe = best_seconds(lambda: rolling_sharpe_ratio(long, window=WINDOW), repeat=20)
    one_thread = partial(rolling_sharpe_ratio, long, window=WINDOW, threads=1)
    sharpe_one = best_seconds(one_thread, repeat=20)
    drawdown = best_seconds(lambda: rolling_max_drawdown(long, window=WINDOW))
    shape = f"{SERIES:,} series x {DAYS:,} days"
    return [
        Row("pnl.fused",
            f"{len(FUSED_MEASURES)} moment and drawdown measures, {shape}, 2 threads (peer: its 9)",
            two, "s", "empyrical-reloaded", peers["fused"]),
        Row("pnl.fused_one_thread", "the same on one thread", one, "s", "empyrical-reloaded",
            peers["fused"]),
        Row("pnl.quantiles", f"VaR, ES and tail ratio, {shape}", tails, "s", "empyrical-reloaded",
            peers["quantiles"]),
        Row("pnl.shared_quantstats", f"the set shared with quantstats, {shape}", two + tails, "s",
            f"quantstats, {peers['quantstats_series']} series scaled up", peers["quantstats"]),
        Row("pnl.rolling_sharpe", "rolling Sharpe ratio, 1 million rows, two threads", sharpe,
            "s", f"best of pandas and quantstats: {peers['sharpe_by']}", peers["rolling_sharpe"]),
        Row("pnl.rolling_sharpe_one_thread", "the same on one thread", sharpe_one,
            "s", f"best of pandas and quantstats: {peers['sharpe_by']}", peers["rolling_sharpe"]),
        Row("pnl.rolling_drawdown", "rolling maximum drawdown, 1 million rows", drawdown, "s",
            f"empyrical-reloaded, {peers['drawdown_rows']:,} rows scaled up",
            peers["rolling_drawdown"]),
    ]  # fmt: skip


def _agree(returns: FloatArray, long: FloatArray, peer: dict[str, float]) -> None:
    """Check that a measure of the same convention gives the peer's value on the first series."""
    fused, tails = fused_performance(returns[:1]), tail_measures(returns[0])
    ours = {
        "cum_returns_final": fused.total_return[0],
        "annual_return": fused.cagr[0],
        "annual_volatility": fused.volatility[0],
        "downside_risk": fused.downside_deviation[0],
        "sharpe_ratio": fused.sharpe_ratio[0],
        "sortino_ratio": fused.sortino_ratio[0],
        "max_drawdown": -fused.max_drawdown[0],
        "calmar_ratio": fused.calmar_ratio[0],
        "omega_ratio": fused.omega_ratio[0],
        "value_at_risk": -tails.value_at_risk,
        "conditional_value_at_risk": -tails.expected_shortfall,
        "tail_ratio": tails.tail_ratio,
        "rolling_sharpe_last": pf.sharpe_ratio(long[-WINDOW:]),
        "rolling_drawdown_last": -max_drawdown(long[-WINDOW:]),
    }
    for name, value in ours.items():
        if name in peer and not np.isclose(value, peer[name], rtol=1e-9):
            raise SystemExit(f"{name}: ours is {value}, the peer's {peer[name]}")
    print(f"values equal the peer's in {sum(name in peer for name in ours)} measures")


def _brinson() -> Row:
    generator = np.random.default_rng(SEED)
    n, days = 500, 2_520
    weights = generator.dirichlet(np.ones(n), (2, days))
    returns = generator.normal(0.0004, 0.02, (days, n))
    industries = generator.permutation(np.arange(n) % 60)
    levels = [[f"sector {i % 11}" for i in industries], [f"industry {i}" for i in industries]]

    def run() -> None:
        effects = brinson(
            HoldingSeries(
                portfolio_weights=weights[0], benchmark_weights=weights[1],
                portfolio_returns=returns, benchmark_returns=returns,
            ),
            levels,
        )  # fmt: skip
        link(effects.columns, effects.portfolio, effects.benchmark, method=Linking.CARINO)

    return Row("pnl.brinson", "ten years daily, 500 holdings, two levels, linked by Carino",
               best_seconds(run), "s", "limit", 0.2)  # fmt: skip


if __name__ == "__main__":
    main()
