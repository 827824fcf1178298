"""Alpha158, as microsoft/qlib 0.9.7 defines it: names, order and arithmetic.

Nine shapes of the bar, four prices, and 29 statistics over windows of 5, 10, 20, 30 and 60
sessions; every window may be shorter near a symbol's first bar. Prices should be adjusted. Two
differences, both where a bar is missing inside a window: IMAX and IMIN pass over it (qlib takes
the missing bar itself for the extreme), and the session of the missing bar has no features.

Source: qlib/contrib/data/loader.py, class Alpha158DL.
"""

from features.definitions import FeatureSet, features
from features.expressions import Expression, field
from features.operators import (
    correlation,
    delay,
    highest,
    highest_at,
    log,
    lowest,
    lowest_at,
    maximum,
    mean,
    minimum,
    quantile,
    rank,
    residual,
    rsquare,
    slope,
    std,
    total,
)

VERSION = 1
WINDOWS = (5, 10, 20, 30, 60)
# qlib's guard against a division by zero.
TINY = 1e-12

# {n} stands for the window.
MEANINGS = {
    "KMID": "The body of the bar, close less open, as a share of the open: above 0 it rose.",
    "KLEN": "High less low as a share of the open: how far the session travelled.",
    "KMID2": "The body as a share of the bar's span: near 1 or -1 the move held to the close.",
    "KUP": "The upper shadow as a share of the open: a rise that was given back.",
    "KUP2": "The upper shadow as a share of the bar's span: near 1 all of the rise was given back.",
    "KLOW": "The lower shadow as a share of the open: a fall that was bought back.",
    "KLOW2": "The lower shadow as a share of the bar's span: near 1 all of the fall came back.",
    "KSFT": "How far the close lies above the middle of the bar, twice, as a share of the open.",
    "KSFT2": "Where the close lies in the bar: 1 at the high, -1 at the low.",
    "OPEN0": "Open over close: above 1 the session fell.",
    "HIGH0": "High over close: how far below the session's high it closed.",
    "LOW0": "Low over close: how far above the session's low it closed.",
    "VWAP0": "Average traded price over close: above 1 the session closed below what most paid.",
    "ROC{n}": "The close {n} sessions ago over today's: above 1 the price has fallen since.",
    "MA{n}": "The mean close of {n} sessions over today's: above 1 the price is below its average.",
    "STD{n}": "The spread of the last {n} closes over today's: how widely the price ranged.",
    "BETA{n}": "The slope of the line through {n} closes, over today's: the trend a session.",
    "RSQR{n}": "How well a straight line explains {n} closes: 1 for a steady trend, 0 for none.",
    "RESI{n}": "How far today's close is above the line of {n} closes: ahead of its trend.",
    "MAX{n}": "The highest high of {n} sessions over the close: how far the peak lies above.",
    "MIN{n}": "The lowest low of {n} sessions over the close: how far the trough lies below.",
    "QTLU{n}": "The level that a fifth of the last {n} closes lie above, over today's close.",
    "QTLD{n}": "The level that a fifth of the last {n} closes lie below, over today's close.",
    "RANK{n}": "The rank of today's close among the last {n}: 1 is the highest.",
    "RSV{n}": "Where the close lies in the range of {n} sessions: 0 at the low, 1 at the high.",
    "IMAX{n}": "How recent the highest high of {n} sessions is: 1 is today, near 0 long ago.",
    "IMIN{n}": "How recent the lowest low of {n} sessions is: 1 is today, near 0 long ago.",
    "IMXD{n}": "The time from low to high within {n} sessions: above 0 the high came after the "
    "low.",
    "CORR{n}": "The correlation of price and log volume in {n} sessions: above 0 volume is at "
    "highs.",
    "CORD{n}": "The correlation of the changes of price and volume in {n} sessions: rises on "
    "volume.",
    "CNTP{n}": "The share of the last {n} sessions that closed higher.",
    "CNTN{n}": "The share of the last {n} sessions that closed lower.",
    "CNTD{n}": "The share of {n} sessions that closed higher less the share that closed lower.",
    "SUMP{n}": "The share of all movement in {n} sessions that went up: the relative strength "
    "index.",
    "SUMN{n}": "The share of all movement in {n} sessions that went down.",
    "SUMD{n}": "Movement up less movement down, as a share of all movement in {n} sessions.",
    "VMA{n}": "The mean volume of {n} sessions over today's: below 1 today is busier than usual.",
    "VSTD{n}": "The spread of volume in {n} sessions over today's volume: how unsteady trading is.",
    "WVMA{n}": "How unevenly the moves, weighted by volume, are spread over {n} sessions.",
    "VSUMP{n}": "The share of all changes of volume in {n} sessions that were increases.",
    "VSUMN{n}": "The share of all changes of volume in {n} sessions that were decreases.",
    "VSUMD{n}": "Increases less decreases of volume, as a share of all its changes in {n} "
    "sessions.",
}

OPEN, HIGH, LOW = field("open"), field("high"), field("low")
CLOSE, VOLUME, VWAP = field("close"), field("volume"), field("vwap")


def alpha158() -> FeatureSet:
    """Return all 158 features; reads open, high, low, close, volume and vwap."""
    formulas = _bar() | _price() | _rolling()
    return FeatureSet("alpha158", VERSION, features(formulas, MEANINGS))


def alpha157() -> FeatureSet:
    """Return Alpha158 without VWAP0, for bars that have no volume-weighted average price."""
    formulas = _bar() | _price() | _rolling()
    del formulas["VWAP0"]
    return FeatureSet("alpha157", VERSION, features(formulas, MEANINGS))


def _bar() -> dict[str, Expression]:
    body, span = CLOSE - OPEN, HIGH - LOW + TINY
    upper, lower = HIGH - maximum(OPEN, CLOSE), minimum(OPEN, CLOSE) - LOW
    shift = 2.0 * CLOSE - HIGH - LOW
    return {
        "KMID": body / OPEN,
        "KLEN": (HIGH - LOW) / OPEN,
        "KMID2": body / span,
        "KUP": upper / OPEN,
        "KUP2": upper / span,
        "KLOW": lower / OPEN,
        "KLOW2": lower / span,
        "KSFT": shift / OPEN,
        "KSFT2": shift / span,
    }


def _price() -> dict[str, Expression]:
    return {
        "OPEN0": OPEN / CLOSE,
        "HIGH0": HIGH / CLOSE,
        "LOW0": LOW / CLOSE,
        "VWAP0": VWAP / CLOSE,
    }


def _rolling() -> dict[str, Expression]:
    """Return the 29 statistics, one after the other, each over all windows."""
    by_window = {d: _trend(d) | _range(d) | _counts(d) | _volume(d) for d in WINDOWS}
    names = list(by_window[WINDOWS[0]])
    return {f"{name}{d}": by_window[d][name] for name in names for d in WINDOWS}


def _trend(d: int) -> dict[str, Expression]:
    return {
        "ROC": delay(CLOSE, d) / CLOSE,
        "MA": mean(CLOSE, d) / CLOSE,
        "STD": std(CLOSE, d) / CLOSE,
        "BETA": slope(CLOSE, d) / CLOSE,
        "RSQR": rsquare(CLOSE, d),
        "RESI": residual(CLOSE, d) / CLOSE,
    }


def _range(d: int) -> dict[str, Expression]:
    low, high = lowest(LOW, d), highest(HIGH, d)
    low_at, high_at = lowest_at(LOW, d), highest_at(HIGH, d)
    return {
        "MAX": high / CLOSE,
        "MIN": low / CLOSE,
        "QTLU": quantile(CLOSE, d, 0.8) / CLOSE,
        "QTLD": quantile(CLOSE, d, 0.2) / CLOSE,
        "RANK": rank(CLOSE, d),
        "RSV": (CLOSE - low) / (high - low + TINY),
        "IMAX": high_at / d,
        "IMIN": low_at / d,
        "IMXD": (high_at - low_at) / d,
    }


def _counts(d: int) -> dict[str, Expression]:
    before, volume_before = delay(CLOSE, 1), delay(VOLUME, 1)
    risen, fallen = mean(before < CLOSE, d), mean(before > CLOSE, d)
    moved = total(abs(CLOSE - before), d) + TINY
    gained = total(maximum(CLOSE - before, 0.0), d)
    lost = total(maximum(before - CLOSE, 0.0), d)
    return {
        "CORR": correlation(CLOSE, log(VOLUME + 1.0), d),
        "CORD": correlation(CLOSE / before, log(VOLUME / volume_before + 1.0), d),
        "CNTP": risen,
        "CNTN": fallen,
        "CNTD": risen - fallen,
        "SUMP": gained / moved,
        "SUMN": lost / moved,
        "SUMD": (gained - lost) / moved,
    }


def _volume(d: int) -> dict[str, Expression]:
    before = delay(VOLUME, 1)
    traded_move = abs(CLOSE / delay(CLOSE, 1) - 1.0) * VOLUME
    moved = total(abs(VOLUME - before), d) + TINY
    grown = total(maximum(VOLUME - before, 0.0), d)
    shrunk = total(maximum(before - VOLUME, 0.0), d)
    return {
        "VMA": mean(VOLUME, d) / (VOLUME + TINY),
        "VSTD": std(VOLUME, d) / (VOLUME + TINY),
        "WVMA": std(traded_move, d) / (mean(traded_move, d) + TINY),
        "VSUMP": grown / moved,
        "VSUMN": shrunk / moved,
        "VSUMD": (grown - shrunk) / moved,
    }
