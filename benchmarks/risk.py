"""Claims of the risk rooms, each beside its peer or limit in the same run."""

import itertools
import sys

import numpy as np

from benchmarks.harness import Row, best_seconds, publish, run_peer
from benchmarks.risk_nightly import dask_rows, nightly_rows, weekly_rows
from benchmarks.risk_options import option_rows
from infra.isolation import PROJECT_ROOT
from infra.policy import load_stress
from measures.tail import QuantileRule, tail_risk, tail_risks
from risk.held_laws import hold_joint_laws
from risk.joint import Draws
from risk.live import LiveBook
from risk.market_state import estimate_state
from risk.monte_carlo import linear_normal_pnl, monte_carlo_normal
from risk.pricing import book_pnl
from risk.scenarios import Scenarios
from risk.score import UNCALIBRATED
from risk.what_if import WhatIf

N_ASSETS, N_SCENARIOS = 1_000, 100_000
SEED = 7

_PEER = """
import json, sys, time
import numpy as np
returns = np.random.default_rng(7).standard_t(5, size=(1000, 2500)) * 0.01
def best(run, repeat):
    times = []
    for _ in range(repeat):
        start = time.perf_counter(); out = run(); times.append(time.perf_counter() - start)
    return min(times), out
by_time = np.ascontiguousarray(returns.T)
from skfolio.measures import cvar, value_at_risk
sk, (v, e) = best(lambda: (value_at_risk(by_time, beta=.95), cvar(by_time, beta=.95)), 5)
import riskfolio as rp
from riskfolio import CVaR_Hist, VaR_Hist
rf, pairs = best(lambda: [(VaR_Hist(r, .05), CVaR_Hist(r, .05)) for r in returns], 2)
print(json.dumps({"skfolio": sk, "riskfolio": rf, "sk_var": list(map(float, v)),
  "sk_es": list(map(float, e)), "rf_var": [float(p[0]) for p in pairs],
  "rf_es": [float(p[1]) for p in pairs]}))
"""


def main() -> None:
    """Run every benchmark and publish the rows."""
    wanted = set(sys.argv[1:])
    parts = {
        "book": _book_rows,
        "monte_carlo": _monte_carlo_rows,
        "peers": _peer_rows,
        "profile": _profile_rows,
        "options": option_rows,
        "nightly": nightly_rows,
        "weekly": weekly_rows,
        "dask": dask_rows,
    }
    rows = [row for name, part in parts.items() if not wanted or name in wanted for row in part()]
    publish("risk", rows)


def _book_rows() -> list[Row]:
    """Time historical VaR and ES of a large book against the bare product, and one order."""
    rng = np.random.default_rng(SEED)
    returns = rng.standard_normal((N_ASSETS, N_SCENARIOS), dtype=np.float32)
    returns *= np.float32(0.01)
    scenarios = Scenarios("benchmark", tuple(map(str, range(N_ASSETS))), returns)
    exposures = rng.normal(size=N_ASSETS) * 1e5
    bare = exposures.astype(np.float32)
    product = best_seconds(lambda: bare @ returns, repeat=9)
    measured = best_seconds(
        lambda: tail_risk(book_pnl(exposures, scenarios), confidence=0.99), repeat=9
    )
    desk = WhatIf(scenarios, exposures, confidence=0.99)
    # Each order is of another symbol, whose scenarios no earlier question left in the cache.
    symbols = itertools.cycle(scenarios.symbols)
    lone = best_seconds(lambda: desk.after(next(symbols), 50_000.0), repeat=200)
    in_a_row = [next(symbols) for _ in range(200)]
    orders = best_seconds(lambda: [desk.after(s, 50_000.0) for s in in_a_row], repeat=5)
    return [
        Row(
            id="risk.hist_bandwidth",
            claim="VaR and ES of 1,000 positions x 100,000 float32 scenarios",
            value=measured * 1e3,
            unit="ms",
            reference="1.5 times a bare matrix-vector product",
            reference_value=1.5 * product * 1e3,
        ),
        Row(
            id="risk.what_if",
            claim="VaR and ES after one order on that book: mean of 200, each of another symbol",
            value=orders / len(in_a_row) * 1e3,
            unit="ms",
            reference="limit 0.2 ms",
            reference_value=0.2,
        ),
        Row(
            id="risk.what_if_cold",
            claim="the same, one order alone after a garbage collection emptied the caches",
            value=lone * 1e3,
            unit="ms",
            reference="limit 0.2 ms",
            reference_value=0.2,
        ),
    ]


def _monte_carlo_rows() -> list[Row]:
    """Time joint and linear Monte Carlo against float64 draws times the Cholesky factor."""
    rng = np.random.default_rng(SEED)
    root = rng.normal(size=(N_ASSETS, N_ASSETS)) * 0.01
    covariance = root @ root.T / N_ASSETS + 1e-4 * np.eye(N_ASSETS)
    symbols = tuple(map(str, range(N_ASSETS)))
    exposures = rng.normal(size=N_ASSETS)

    def reference() -> object:
        draws = np.random.default_rng(1).standard_normal((N_ASSETS, N_SCENARIOS))
        return np.linalg.cholesky(covariance) @ draws

    def ours() -> object:
        generator = np.random.default_rng(1)
        return monte_carlo_normal(symbols, covariance, n_scenarios=N_SCENARIOS, rng=generator)

    def linear() -> object:
        generator = np.random.default_rng(1)
        pnl = linear_normal_pnl(exposures, covariance, n_scenarios=N_SCENARIOS, rng=generator)
        return tail_risk(pnl, confidence=0.99)

    cholesky = best_seconds(reference, repeat=2)
    return [
        Row(
            id="risk.monte_carlo",
            claim="1,000 assets x 100,000 scenarios",
            value=best_seconds(ours, repeat=3),
            unit="s",
            reference="float64 draws times the Cholesky factor",
            reference_value=cholesky,
        ),
        Row(
            id="risk.monte_carlo_linear",
            claim="VaR and ES of a linear book of 1,000 assets, 100,000 scenarios",
            value=best_seconds(linear, repeat=20),
            unit="s",
            reference="float64 draws times the Cholesky factor",
            reference_value=cholesky,
        ),
    ]


def _peer_rows() -> list[Row]:
    """Time VaR and ES of 1,000 series against two libraries, after checking they agree."""
    peer = run_peer(_PEER)
    returns = np.random.default_rng(7).standard_t(5, size=(1000, 2500)) * 0.01
    value, shortfall = tail_risks(returns, confidences=[0.95])
    whole, whole_es = tail_risks(returns, confidences=[0.95], rule=QuantileRule.INVERTED_CDF)
    # skfolio reads the next scenario where (1 - c) n is whole: its VaR is the (k + 1)-th worst.
    assert np.allclose(shortfall[0], peer["sk_es"])
    assert np.allclose(whole[0], peer["rf_var"])
    assert np.allclose(whole_es[0], peer["rf_es"])
    ordered = np.sort(returns, axis=1)
    assert np.allclose(-ordered[:, 125], peer["sk_var"])
    assert np.allclose(value[0], -ordered[:, 124])
    ours = best_seconds(lambda: tail_risks(returns, confidences=[0.95]), repeat=9)
    return [
        Row(
            id=f"risk.tail_peers.{name}",
            claim="VaR and ES together of 1,000 series x 2,500",
            value=ours * 1e3,
            unit="ms",
            reference=f"{name}, two calls",
            reference_value=peer[name] * 1e3,
        )
        for name in ("riskfolio", "skfolio")
    ]


def _profile_rows() -> list[Row]:
    """Time a position change on a book kept measured, and the same book from nothing."""
    rng = np.random.default_rng(SEED)
    n_scenarios = 2_000
    market = rng.standard_t(5, size=n_scenarios) * 0.007
    returns = market + rng.standard_t(5, size=(N_ASSETS, n_scenarios)) * 0.012
    symbols = tuple(f"s{i}" for i in range(N_ASSETS))
    exposures = rng.normal(size=N_ASSETS) * 1e5
    scenarios = load_stress(PROJECT_ROOT / "policy")
    score = {
        "equity": 1e8,
        "drawdown": 0.05,
        "drawdown_limit": 0.2,
        "utilisations": np.full(20, 0.4),
        "calibration": UNCALIBRATED,
    }

    def cold() -> LiveBook:
        state = estimate_state(
            symbols,
            returns,
            market=market,
            rates=None,
            daily_notional=dict.fromkeys(symbols, 1e7),
        )
        laws = hold_joint_laws(returns, Draws(seed=SEED))
        fresh = LiveBook(state, returns, exposures, scenarios=scenarios, laws=laws)
        fresh.measure()
        fresh.breach_probability(**score)
        return fresh

    book = cold()

    def warm() -> None:
        book.set_exposure("s17", float(rng.normal()) * 1e5)
        book.measure()
        book.breach_probability(**score)

    claim = "1,000 positions x 2,000 scenarios: 13 estimators x 3, components, stress, score"
    return [
        Row(
            id="risk.profile_warm",
            claim=f"{claim}, after a position change",
            value=best_seconds(warm, repeat=20) * 1e3,
            unit="ms",
            reference="limit 100 ms",
            reference_value=100.0,
        ),
        Row(
            id="risk.profile_cold",
            claim=f"{claim}, market estimated and shocked anew",
            value=best_seconds(cold, repeat=3),
            unit="s",
            reference="limit 10 s",
            reference_value=10.0,
        ),
    ]


if __name__ == "__main__":
    main()
