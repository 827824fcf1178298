"""Run by `test_night_resumes`: a night over small books, one a chunk, killed at one of them."""

import os
import signal
import sys
from datetime import date
from pathlib import Path

import numpy as np

from infra.bootstrap import open_desk
from infra.settings import load_settings
from risk.market_state import estimate_state
from risk.nightly import NightBooks, NightMarket
from services.night_store import Batch
from services.nightly_risk import NIGHT_KIND, NightPolicy, NightReport, nightly_risk

DAY = date(2022, 1, 3)
N_BOOKS = 6


def run(state: Path, *, dies_at: int | None = None) -> NightReport:
    """Measure the night; the process is killed as it comes to book number `dies_at`."""
    returns = np.random.default_rng(8).normal(scale=0.01, size=(3, 400))
    market = NightMarket(
        state=estimate_state(
            ("A", "B", "C"), returns, market=returns.mean(axis=0), rates=None, daily_notional={}
        ),
        returns=returns,
        sectors={},
    )
    books = NightBooks(
        names=tuple(f"book{i}" for i in range(N_BOOKS)),
        exposures=np.random.default_rng(1).uniform(-300, 300, size=(N_BOOKS, 3)),
        equity=np.full(N_BOOKS, 1000.0),
        drawdown=np.zeros(N_BOOKS),
    )
    policy = NightPolicy(limits=(), scenarios=(), as_of=DAY, window=250)

    def one_by_one(function, items):
        for at, item in enumerate(items):
            if at == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            yield function(item)

    with open_desk(load_settings(state_dir=state)) as desk:
        batch = Batch(kind=NIGHT_KIND, as_of=DAY, books=books, lineage={"data": "v1"}, size=1)
        return nightly_risk(batch, market, policy, desk.results, engine=one_by_one)


if __name__ == "__main__":
    run(Path(sys.argv[1]), dies_at=int(sys.argv[2]))
