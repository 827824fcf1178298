"""What sizes are made from: mean and risk as told at each close, and the size that was right.

Everything at a close uses what was known by then; the right size alone looks ahead, as a label may.
"""

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from basics.identifiers import content_hash
from features.labels import Labels
from features.panel import FeaturePanel
from market.panel import Panel
from models.sizing import SizingRules
from models.variance import daily_returns, ewma_rows, trailing_mean

FEATURES = ("mean", "volatility", "value_at_risk", "drawdown", "daily_volume_share")
VERSION = 1
MAX_RIGHT_SIZE = 3.0
VAR_WINDOW, VAR_CONFIDENCE = 500, 0.975
HIGH_WINDOW = 250
EQUITY = 5_000_000.0
# Half Kelly; an index has halved twice in the sample, so that the size ends at 60% under water.
RULES = SizingRules(kelly_fraction=0.5, max_drawdown=0.60, max_value_at_risk=0.04)


def sizing_features(panel: Panel) -> FeaturePanel:
    """Return mean and risk of the next session's return as told at each close.

    `mean` is that of all returns so far, `volatility` EWMA, `value_at_risk` the 97.5% loss of
    the last 500 sessions, `drawdown` the distance from the highest close of 250 sessions,
    `daily_volume_share` five million over the mean value traded in 20 sessions (0 where no
    volume is known: no cap).
    """
    returns = daily_returns(panel)
    known = np.isfinite(returns)
    count = known.cumsum(axis=1)
    total = np.where(known, returns, 0.0).cumsum(axis=1)
    mean = np.where(count >= VAR_WINDOW, total / np.maximum(count, 1), np.nan)
    high = np.full_like(returns, np.nan)
    close = panel["close"]
    view = np.lib.stride_tricks.sliding_window_view(close, HIGH_WINDOW, axis=1)
    high[:, HIGH_WINDOW - 1 :] = view.max(axis=-1)
    columns = {
        "mean": mean,
        "volatility": np.sqrt(ewma_rows(returns)),
        "value_at_risk": _historical_loss(returns),
        "drawdown": 1.0 - close / high,
        "daily_volume_share": _volume_share(panel),
    }
    return FeaturePanel(
        FEATURES,
        panel.symbols,
        panel.sessions,
        np.stack([columns[name] for name in FEATURES]),
        f"sizing@{VERSION}",
        content_hash("sizing", VERSION, VAR_WINDOW, HIGH_WINDOW, EQUITY),
        panel.simulated & {"close", "volume"},
    )


def right_size(panel: Panel, *, horizon: int, rules: SizingRules = RULES) -> Labels:
    """Return the size that would have met the volatility target over the next sessions.

    Target / realised volatility, at most `MAX_RIGHT_SIZE`, on closes from t to t + horizon.
    """
    returns = daily_returns(panel)
    ahead = np.full_like(returns, np.nan)
    ahead[:, :-horizon] = trailing_mean(returns**2, horizon)[:, horizon:]
    yearly = np.sqrt(np.maximum(ahead, 1e-12) * rules.sessions_per_year)
    values = np.where(
        np.isfinite(ahead), np.minimum(MAX_RIGHT_SIZE, rules.target_volatility / yearly), np.nan
    )
    known = np.isfinite(values)
    position = np.broadcast_to(np.arange(values.shape[1], dtype=np.int64), values.shape)
    return Labels(
        f"right_size(horizon={horizon}, target={rules.target_volatility:g})",
        values,
        np.where(known, position + 1, -1),
        np.where(known, position + horizon, -1),
        lookback=0,
    )


def constant_size(panel: Panel, *, before_year: int, rules: SizingRules = RULES) -> float:
    """Return the target over the volatility that was seen before `before_year`, at most 1.

    Raises
    ------
    MissingDataError
        If fewer than 500 returns lie before it.
    """
    years = panel.sessions.astype("datetime64[Y]").astype(int) + 1970
    past = daily_returns(panel)[:, years < before_year]
    past = past[np.isfinite(past)]
    if len(past) < VAR_WINDOW:
        raise MissingDataError(f"{len(past)} returns before {before_year}: start the test later")
    yearly = float(past.std(ddof=1)) * np.sqrt(rules.sessions_per_year)
    return round(float(min(rules.max_weight, rules.target_volatility / yearly)), 4)


def _historical_loss(returns: FloatArray) -> FloatArray:
    """Return the 97.5% loss of the last sessions as a positive fraction."""
    loss = np.full_like(returns, np.nan)
    worst = max(1, round(VAR_WINDOW * (1.0 - VAR_CONFIDENCE)))
    for row, out in zip(returns, loss, strict=True):
        view = np.lib.stride_tricks.sliding_window_view(row, VAR_WINDOW)
        known = np.isfinite(view).all(axis=1)
        tail = np.partition(view[known], worst - 1, axis=1)[:, worst - 1]
        out[np.flatnonzero(known) + VAR_WINDOW - 1] = np.maximum(-tail, 1e-6)
    return loss


def _volume_share(panel: Panel) -> FloatArray:
    try:
        volume = panel["volume"]
    except MissingDataError:
        return np.zeros_like(panel["close"])
    traded = trailing_mean(panel["close"] * volume, 20)
    share = np.zeros_like(traded)
    np.divide(EQUITY, traded, out=share, where=np.isfinite(traded) & (traded > 0))
    return share
