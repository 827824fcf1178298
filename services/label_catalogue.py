"""Every label that ships: who learns it, which sessions it rests on, and the proof of that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from features.labels import (
    Labels,
    forward_return,
    forward_volatility,
    meta_label,
    triple_barrier,
)
from features.leakage import LeakageReport, prove_labels
from features.trial import trial_panel
from market.panel import Panel
from models.anomaly_kind import planted_labels
from models.sizing_features import right_size
from models.tail_forecast import next_return
from models.variance import EWMA_LOOKBACK
from models.volatility import variance_ratio

TRIAL_SESSIONS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedLabel:
    """A label in the terms that the kinds use.

    Attributes
    ----------
    kinds : str
        The kinds of model that learn it.
    meaning : str
        One sentence for people.
    """

    kinds: str
    meaning: str
    make: Callable[[Panel], Labels]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """A label as `quantdesk features labels` shows it.

    Attributes
    ----------
    rests_on : str
        Sessions of the interval [t0, t1] after t: the first, and the last of the longest.
    lookback : int or None
        Sessions before t that it rests on too.
    leaks : tuple of str
        What the proof found on simulated bars.
    """

    name: str
    label: str
    kinds: str
    meaning: str
    rests_on: str
    lookback: int | None
    trials: int
    leaks: tuple[str, ...]


def _momentum_side(panel: Panel) -> Labels:
    """Return the meta-label of a bet on the month's direction, as the signal kind bets."""
    close = panel["close"]
    side = np.zeros_like(close)
    side[:, 20:] = np.sign(np.nan_to_num(close[:, 20:] / close[:, :-20] - 1.0))
    # The bet itself looks back 20 sessions, as far as its barriers do.
    return meta_label(panel, side, horizon=5)


def _planted(panel: Panel) -> Labels:
    """Return planted errors in one session of seven, whichever part of the history is shown."""
    days = panel.sessions.astype("datetime64[D]").astype(np.int64)
    return planted_labels(np.tile(days % 7 == 0, (len(panel.symbols), 1)), name="planted errors")


LABELS: Mapping[str, ShippedLabel] = {
    "forward_return": ShippedLabel(
        kinds="price",
        meaning="The return of five sessions, entered one session later.",
        make=partial(forward_return, horizon=5),
    ),
    "forward_volatility": ShippedLabel(
        kinds="",
        meaning="The volatility a year of the ten sessions after entry.",
        make=partial(forward_volatility, horizon=10),
    ),
    "triple_barrier": ShippedLabel(
        kinds="",
        meaning="Which barrier a long position meets first: 1 profit, -1 loss, 0 time.",
        make=partial(triple_barrier, horizon=5),
    ),
    "meta_label": ShippedLabel(
        kinds="signal",
        meaning="1 where the bet on a first model's side gains, 0 where not.",
        make=_momentum_side,
    ),
    "variance_ratio": ShippedLabel(
        kinds="volatility, regime",
        meaning="The variance of the coming week over today's exponentially weighted one.",
        make=partial(variance_ratio, horizon=5),
    ),
    "right_size": ShippedLabel(
        kinds="sizing",
        meaning="The share of equity that would have met the volatility target in the coming week.",
        make=partial(right_size, horizon=5),
    ),
    "next_return": ShippedLabel(
        kinds="risk",
        meaning="The log return from today's close to tomorrow's.",
        make=next_return,
    ),
    "planted_errors": ShippedLabel(
        kinds="anomaly, anomaly_flow",
        meaning="1 where an error was planted into the session's own row, 0 elsewhere.",
        make=_planted,
    ),
}


def trial_of_labels(rng: np.random.Generator) -> Panel:
    """Return simulated closes that are long enough for every label's lookback."""
    return trial_panel(("close",), rng=rng, lookback=EWMA_LOOKBACK + TRIAL_SESSIONS)


def list_labels(rng: np.random.Generator) -> list[LabelRow]:
    """Return every label with what it rests on, and try it on simulated bars."""
    panel = trial_of_labels(rng)
    return [_row(name, shipped, panel, rng) for name, shipped in LABELS.items()]


def _row(name: str, shipped: ShippedLabel, panel: Panel, rng: np.random.Generator) -> LabelRow:
    made = shipped.make(panel)
    report: LeakageReport = prove_labels(shipped.make, panel, rng=rng)
    return LabelRow(
        name=name,
        label=made.name,
        kinds=shipped.kinds,
        meaning=shipped.meaning,
        rests_on=interval_of(made),
        lookback=made.lookback,
        trials=report.trials,
        leaks=tuple(map(str, report.leaks)),
    )


def interval_of(labels: Labels) -> str:
    """Return the interval in sessions after t, for example `t+1 .. t+5`."""
    known = ~np.isnan(labels.values)
    if not known.any():
        return "unknown"
    position = np.arange(labels.values.shape[1])
    first, last = (labels.start - position)[known], (labels.end - position)[known]
    return f"t+{int(first.min())} .. t+{int(last.max())}"
