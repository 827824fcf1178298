"""Claims of the night: many books in processes and on Dask, and the weekly long run."""

from datetime import date

import numpy as np

from benchmarks.harness import Row, best_seconds
from flows.engines import engine_map
from infra.isolation import PROJECT_ROOT
from infra.policy import load_limits, load_stress
from risk.market_state import estimate_state
from risk.nightly import NightBooks, NightMarket
from risk.weekly import WeeklyTerms
from services.night_store import EngineMap
from services.nightly_risk import NightChunk, NightPolicy, measure_chunk
from services.weekly_risk import WEEKLY_CHUNK, WeeklyChunk
from services.weekly_risk import measure_chunk as measure_week

N_ASSETS, SEED = 1_000, 7


def nightly_rows() -> list[Row]:
    """Time the night over 1,000 portfolios in two processes."""
    from concurrent.futures import ProcessPoolExecutor

    books, market, policy = _night()

    def chunks(last: int, size: int) -> list[NightChunk]:
        return [
            NightChunk(books=books.chunk(at, at + size), market=market, policy=policy)
            for at in range(0, last, size)
        ]

    with ProcessPoolExecutor(2) as pool:
        # Kernels are compiled once per machine; the night does not pay for that.
        list(pool.map(measure_chunk, chunks(4, 2)))
        whole = chunks(len(books.names), 100)
        seconds = best_seconds(lambda: list(pool.map(measure_chunk, whole)), repeat=1)
    return [
        Row(
            id="risk.nightly",
            claim="1,000 portfolios x 100 positions x 2,500 days, 6 estimators x 3 confidences",
            value=seconds,
            unit="s",
            reference="limit 60 s on two cores",
            reference_value=60.0,
        )
    ]


def weekly_rows() -> list[Row]:
    """Time the weekly long run over 1,000 portfolios in two processes."""
    from concurrent.futures import ProcessPoolExecutor

    books, market, _ = _night()
    terms = WeeklyTerms(seed=SEED)

    def chunks(last: int, size: int) -> list[WeeklyChunk]:
        return [
            WeeklyChunk(books=books.chunk(at, at + size), market=market, terms=terms)
            for at in range(0, last, size)
        ]

    with ProcessPoolExecutor(2) as pool:
        whole = chunks(len(books.names), WEEKLY_CHUNK)
        seconds = best_seconds(lambda: list(pool.map(measure_week, whole)), repeat=1)
    return [
        Row(
            id="risk.weekly",
            claim="1,000 portfolios x 100 positions: GARCH, extreme value, four joint laws, "
            "Z1 to Z3 over 500 days",
            value=seconds,
            unit="s",
            reference="limit 600 s on two cores",
            reference_value=600.0,
        )
    ]


def dask_rows() -> list[Row]:
    """Time the night's own engine on Dask: two workers of one thread each against one."""
    books, market, policy = _night()
    whole = [
        NightChunk(books=books.chunk(at, at + 50), market=market, policy=policy)
        for at in range(0, 400, 50)
    ]
    seconds = {}
    for workers in (1, 2):
        with engine_map("dask", workers=workers) as mapped:

            def run(engine: EngineMap = mapped) -> object:
                return list(engine(measure_chunk, whole))

            run()  # Workers import and load their kernels once.
            seconds[workers] = best_seconds(run, repeat=2)
    return [
        Row(
            id="risk.dask_scaling",
            claim="the night over 400 portfolios on two Dask workers (bar: 1.6 times)",
            value=seconds[2],
            unit="s",
            reference="one Dask worker",
            reference_value=seconds[1],
        )
    ]


def _night() -> tuple[NightBooks, NightMarket, NightPolicy]:
    rng = np.random.default_rng(SEED)
    n_days, n_books = 2_500, 1_000
    market = rng.standard_t(5, size=n_days) * 0.007
    returns = market * rng.uniform(0.5, 1.5, size=(N_ASSETS, 1))
    returns += rng.standard_t(5, size=(N_ASSETS, n_days)) * 0.012
    symbols = tuple(f"s{i}" for i in range(N_ASSETS))
    exposures = np.zeros((n_books, N_ASSETS))
    for book in range(n_books):
        held = rng.choice(N_ASSETS, 100, replace=False)
        exposures[book, held] = rng.dirichlet(np.ones(100)) * 1e6
    state = estimate_state(
        symbols,
        returns[:, -500:],
        market=market[-500:],
        rates=None,
        daily_notional=dict.fromkeys(symbols, 1e7),
    )
    policy = PROJECT_ROOT / "policy"
    return (
        NightBooks(
            names=tuple(f"p{i}" for i in range(n_books)),
            exposures=exposures,
            equity=np.full(n_books, 1e6),
            drawdown=np.full(n_books, 0.05),
        ),
        NightMarket(
            state=state,
            returns=returns,
            sectors={s: f"sector{i % 11}" for i, s in enumerate(symbols)},
        ),
        NightPolicy(
            limits=load_limits(policy), scenarios=load_stress(policy), as_of=date(2022, 12, 28)
        ),
    )
