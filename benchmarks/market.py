"""The lake's scaling, the as-of join and the gate: `python -m benchmarks.market [MILLIONS]`.

Each size runs in its own process, so that its peak memory is its own. The bars are drawn; what
is measured is time and memory. `lake_rows` prints rows against time and memory; `asof_rows` are
the rows of `features.asof_join`, for the benchmark of the features too.
"""

import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from basics.clock import ManualClock
from benchmarks.harness import Row, best_seconds, publish
from infra.isolation import PROJECT_ROOT
from infra.lake import ParquetLake, open_storage
from market.asof import asof_join_blocks
from market.calendars import exchange_calendar
from market.datasets import Dataset, Partition

SYMBOLS = 250
MINUTES = 390
LABELS = 10_000_000
SIZES_MILLIONS = (1, 5, 20, 50)
FOLDER = PROJECT_ROOT / "var" / "bench" / "market-lake"
MINUTE_BARS = Dataset(
    name="minute_bars",
    fields=("open", "high", "low", "close", "volume"),
    frequency="1m",
    partition=Partition.MONTH,
    simulated=frozenset({"open", "high", "low", "close", "volume"}),
    source="drawn",
)
CLOCK = ManualClock(datetime(2023, 1, 1, tzinfo=UTC))


def minute_bars(sessions: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Draw the bars of some sessions: prices in cents, volume in lots."""
    days, per_day = sessions.height, SYMBOLS * MINUTES
    minute = pl.Series(np.tile(np.arange(1, MINUTES + 1), SYMBOLS * days))
    close = np.round(50 * np.exp(np.cumsum(rng.standard_normal(days * per_day) * 5e-4)), 2)
    step = np.round(rng.exponential(0.03, (2, days * per_day)), 2)
    opened = np.roll(close, 1)
    names = np.repeat([f"S{i:04}" for i in range(SYMBOLS)], MINUTES)
    event = pl.col("open_time") + pl.duration(minutes=pl.col("minute"))
    return (
        sessions.select("session", "open_time")
        .select(pl.all().repeat_by(per_day).explode())
        .with_columns(
            minute.alias("minute"),
            pl.Series("symbol", np.tile(names, days)),
            pl.Series("open", opened),
            pl.Series("high", np.maximum(opened, close) + step[0]),
            pl.Series("low", np.minimum(opened, close) - step[1]),
            pl.Series("close", close),
            pl.Series("volume", rng.integers(1, 200, days * per_day) * 100.0),
        )
        .with_columns(event.alias("event_time"), event.alias("knowledge_time"))
    )


def build_lake(folder: Path, millions: int) -> dict[str, float]:
    """Append about `millions` of bars, eight sessions at a time; return times and memory."""
    lake = ParquetLake(open_storage(folder), CLOCK)
    rng = np.random.default_rng(7)
    table = exchange_calendar("XNYS").table.filter(pl.col("session") >= datetime(2020, 1, 2).date())  # noqa: DTZ001 - a date
    days = round(millions * 1e6 / (SYMBOLS * MINUTES))
    spent, rows = 0.0, 0
    for first in range(0, days, 8):
        batch = minute_bars(table.slice(first, min(8, days - first)), rng)
        start = time.perf_counter()
        rows += lake.append(MINUTE_BARS, batch).new
        spent += time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet")) / 2**30
    return {"rows": rows, "append_seconds": spent, "peak_gib": peak, "size_gib": size}


def read_lake(folder: Path) -> dict[str, float]:
    """Time three reads: one symbol, one session of all, an aggregate over every row."""
    lake = ParquetLake(open_storage(folder), CLOCK)
    state = lake.state("minute_bars")
    last = state.last_session
    one = best_seconds(
        lambda: lake.scan("minute_bars", symbols=["S0100"]).select("close").collect(), repeat=3
    )
    day = best_seconds(lambda: lake.scan("minute_bars", start=last, end=last).collect(), repeat=3)
    daily = pl.col("volume").sum(), pl.col("close").last()
    whole = best_seconds(
        lambda: (
            lake.scan("minute_bars")
            .group_by("symbol", "session")
            .agg(*daily)
            .collect(engine="streaming")
        ),
        repeat=1,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "symbol_seconds": one,
        "session_seconds": day,
        "aggregate_seconds": whole,
        "peak_gib": peak,
    }


def join_labels(folder: Path) -> dict[str, float]:
    """Join ten million labels to the lake; draw them first, sorted by time, into a file."""
    lake = ParquetLake(open_storage(folder), CLOCK)
    path = folder.parent / "labels.parquet"
    if not path.exists():
        state = lake.state("minute_bars")
        first = datetime.combine(state.first_session, datetime.min.time(), UTC)  # type: ignore[arg-type]
        last = datetime.combine(state.last_session, datetime.min.time(), UTC)  # type: ignore[arg-type]
        rng = np.random.default_rng(11)
        seconds = np.sort(rng.integers(0, int((last - first).total_seconds()), LABELS))
        moments = np.datetime64(first.replace(tzinfo=None), "us") + seconds.astype("m8[s]")
        pl.DataFrame(
            {
                "at": pl.Series(moments).dt.replace_time_zone("UTC"),
                "symbol": rng.choice([f"S{i:04}" for i in range(SYMBOLS)], LABELS),
                "label": rng.standard_normal(LABELS),
            }
        ).write_parquet(path)
    matched = 0
    start, processor = time.perf_counter(), time.process_time()

    def read(since: datetime, until: datetime) -> pl.LazyFrame:
        rows = lake.versions("minute_bars", start=since.date(), end=until.date())
        return rows.filter(pl.col("event_time").is_between(since, until))

    for block in asof_join_blocks(
        pl.scan_parquet(path), read, time="at", fields=["close"], tolerance=timedelta(hours=1)
    ):
        matched += block["close"].count()
    seconds_spent = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "seconds": seconds_spent,
        "cpu_seconds": time.process_time() - processor,
        "peak_gib": peak,
        "matched": matched,
    }


def apart(step: str, *arguments: str) -> dict[str, float]:
    """Run one step in its own process."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.market", "--step", step, *arguments],
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def lake_rows(millions: int) -> Iterator[Row]:
    """Build and read the lake at each size up to `millions`; yield the rows of the largest."""
    print(f"{'rows':>12} {'append s':>9} {'GiB':>6} {'peak GiB':>9} {'symbol s':>9} "
          f"{'session s':>9} {'all rows s':>10} {'read peak GiB':>13}")  # fmt: skip
    for size in [n for n in SIZES_MILLIONS if n < millions] + [millions]:
        shutil.rmtree(FOLDER, ignore_errors=True)
        built = apart("build", str(size))
        read = apart("read")
        print(
            f"{built['rows']:12,.0f} {built['append_seconds']:9.1f} {built['size_gib']:6.2f} "
            f"{built['peak_gib']:9.2f} {read['symbol_seconds']:9.3f} "
            f"{read['session_seconds']:9.3f} {read['aggregate_seconds']:10.2f} "
            f"{read['peak_gib']:13.2f}"
        )
    name = f"{built['rows'] / 1e6:.0f} million minute bars"
    per_second = built["rows"] / built["append_seconds"]
    in_memory = built["rows"] * 8 * len(MINUTE_BARS.schema) / 2**30
    whole = read["aggregate_seconds"]
    yield Row("market.lake_append", f"append {name}", per_second, "1/s", "a million rows/s", 1e6)
    yield Row("market.lake_append_memory", f"peak, appending {name}", built["peak_gib"],
              "GiB", "limit", 4.0)  # fmt: skip
    yield Row("market.lake_read_symbol", f"one symbol of {SYMBOLS} of {name}",
              read["symbol_seconds"], "s", "a pass over every row", whole)  # fmt: skip
    yield Row("market.lake_read_memory", f"peak, aggregating {name}", read["peak_gib"],
              "GiB", "all rows in memory", in_memory)  # fmt: skip


def asof_rows() -> Iterator[Row]:
    """Join ten million labels to the lake that stands, building a small one where none does."""
    if not FOLDER.exists():
        apart("build", "20")
    joined = apart("join")
    yield Row("features.asof_join", f"{LABELS / 1e6:.0f} million labels joined to the lake",
              joined["seconds"], "s", "limit", 10.0)  # fmt: skip
    yield Row("features.asof_join_cpu", "the same, processor time of two threads",
              joined["cpu_seconds"], "s", "limit x 2 cores", 20.0)  # fmt: skip
    yield Row("features.asof_join_memory", "peak while joining", joined["peak_gib"], "GiB",
              "limit", 4.0)  # fmt: skip


def main() -> None:
    """Run a step in this process, or every row."""
    if "--step" in sys.argv:
        step, *rest = sys.argv[sys.argv.index("--step") + 1 :]
        steps = {"read": read_lake, "join": join_labels}
        answer = build_lake(FOLDER, int(rest[0])) if step == "build" else steps[step](FOLDER)
        print(json.dumps(answer))
        return
    millions = int(sys.argv[1]) if len(sys.argv) > 1 else SIZES_MILLIONS[-1]
    try:
        publish("market", [*lake_rows(millions), *asof_rows()])
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
        (FOLDER.parent / "labels.parquet").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
