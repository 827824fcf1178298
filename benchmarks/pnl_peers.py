"""What the peers of `benchmarks.pnl` run, as source for their own environment."""

PEER_SCRIPT = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np, pandas as pd
import empyrical, quantstats.stats as qs

folder, window = sys.argv[1], int(sys.argv[2])
returns, long = np.load(folder + "/returns.npy"), np.load(folder + "/long.npy")
by_day = np.ascontiguousarray(returns.T)  # Each peer reads its natural layout.
values = {}

def best(run, repeat=2):
    times = []
    for _ in range(repeat):
        start = time.perf_counter(); run(); times.append(time.perf_counter() - start)
    return min(times)

together = ["cum_returns_final", "annual_return", "annual_volatility", "downside_risk",
            "sharpe_ratio", "sortino_ratio", "max_drawdown"]
apart = ["calmar_ratio", "omega_ratio"]  # These take one series at a time.
quantiles = ["value_at_risk", "conditional_value_at_risk", "tail_ratio"]
fused = sum(best(lambda n=n: getattr(empyrical, n)(by_day)) for n in together)
fused += sum(best(lambda n=n: [getattr(empyrical, n)(r) for r in returns], 1) for n in apart)
tails = sum(best(lambda n=n: [getattr(empyrical, n)(r) for r in returns], 1) for n in quantiles)
for n in together + apart + quantiles:
    values[n] = float(getattr(empyrical, n)(returns[0]))

# quantstats wants dated series; its whole shared set on a few, scaled to all of them.
few = 20
dates = pd.bdate_range("2000-01-03", periods=returns.shape[1])
series = [pd.Series(r, index=dates) for r in returns[:few]]
shared = ["comp", "cagr", "volatility", "skew", "kurtosis", "sharpe", "sortino", "omega",
          "best", "worst", "win_rate", "avg_win", "avg_loss", "payoff_ratio", "gain_to_pain_ratio",
          "max_drawdown", "ulcer_index", "calmar", "ulcer_performance_index",
          "value_at_risk", "cvar", "tail_ratio"]
quantstats = 0.0
for n in shared:
    measure = getattr(qs, n)
    quantstats += best(lambda: [measure(s) for s in series], 1)
quantstats *= len(returns) / few

frame = pd.Series(long, index=pd.date_range("1900-01-01", periods=len(long), freq="min"))
def by_pandas():
    rolling = frame.rolling(window)
    return rolling.mean() / rolling.std() * np.sqrt(252)
sharpe = {"pandas": best(by_pandas, 20),
          "quantstats": best(lambda: qs.rolling_sharpe(frame, rolling_period=window), 20)}
values["rolling_sharpe_last"] = float(by_pandas().iloc[-1])
rows = 100_000
drawdown = best(lambda: empyrical.roll_max_drawdown(long[:rows], window=window), 1)
values["rolling_drawdown_last"] = float(empyrical.max_drawdown(long[-window:]))
by = min(sharpe, key=sharpe.get)
print(json.dumps({"fused": fused, "quantiles": tails, "quantstats": quantstats,
    "quantstats_series": few, "rolling_sharpe": sharpe[by], "sharpe_by": by,
    "rolling_drawdown": drawdown * len(long) / rows, "drawdown_rows": rows, "values": values}))
"""
