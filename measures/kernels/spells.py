"""Spells below a peak, of many series: the depths of the deepest."""

from basics.arrays import FloatArray
from measures.kernels.compiled import compiled


@compiled
def deepest_spells(rows: FloatArray, out: FloatArray) -> None:
    """Write the depths of the deepest spells of each series, deepest first, zeros behind them.

    Parameters
    ----------
    rows : ndarray of shape (n_series, n_periods)
        Simple returns, none below -1; the start counts as a peak.
    out : ndarray of shape (n_series, worst)
    """
    for i in range(len(rows)):
        out[i] = 0.0
        wealth = peak = 1.0
        depth = 0.0
        for x in rows[i]:
            wealth *= 1.0 + x
            peak = max(peak, wealth)
            below = 1.0 - wealth / peak
            if below > 0.0:
                depth = max(depth, below)
            elif depth > 0.0:
                _keep(depth, out[i])
                depth = 0.0
        _keep(depth, out[i])


@compiled
def _keep(depth: float, kept: FloatArray) -> None:
    """Insert `depth` into `kept`, which falls from first to last, if it is among the largest."""
    if depth <= kept[-1]:
        return
    at = len(kept) - 1
    while at > 0 and kept[at - 1] < depth:
        kept[at] = kept[at - 1]
        at -= 1
    kept[at] = depth
