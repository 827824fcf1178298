"""Where an interval ends, given the errors that are known: three ways, and what each tolerates.

The tolerance of an error is the largest share of misses at which the interval still holds it: what
a level learns from.
"""

import math
from typing import Protocol

import numpy as np

from basics.arrays import FloatArray
from models.confidence import quantile_scores

# How often the quantiles that need a sort of all errors are chosen anew, in sessions.
RECUT = 20
SPLITS = np.linspace(0.05, 0.95, 19)


class Cut(Protocol):
    """One way to cut an interval out of errors."""

    def ends(self, pool: FloatArray, coverage: float, *, session: int) -> tuple[float, float]:
        """Return how far the interval reaches below and above."""
        ...

    def tolerances(self, pool: FloatArray, errors: FloatArray) -> FloatArray:
        """Return the largest share of misses at which each error is still inside."""
        ...


class Symmetric:
    """The quantile of absolute errors, both ways."""

    def ends(self, pool: FloatArray, coverage: float, *, session: int) -> tuple[float, float]:
        """Return the same reach twice."""
        del session
        place = max(math.ceil(coverage * len(pool)) - 1, 0)
        width = float(np.partition(np.abs(pool), place)[place])
        return width, width

    def tolerances(self, pool: FloatArray, errors: FloatArray) -> FloatArray:
        """Return the share of the pool that is at least as large as each error."""
        return 1.0 - _below(np.abs(pool), np.abs(errors)) / len(pool)


class Narrowest:
    """The narrowest pair of quantiles; the share of misses below is chosen anew now and then."""

    def __init__(self) -> None:
        self._below = 0.5
        self._chosen = -RECUT

    def ends(self, pool: FloatArray, coverage: float, *, session: int) -> tuple[float, float]:
        """Return the reach of the pair of quantiles."""
        if session - self._chosen >= RECUT:
            ordered = np.sort(pool)
            pairs = [_pair(ordered, coverage, share) for share in SPLITS]
            self._below = float(SPLITS[int(np.argmin([high - low for low, high in pairs]))])
            self._chosen = session
        low, high = _places(len(pool), coverage, self._below)
        parted = np.partition(pool, (low, high))
        return -float(parted[low]), float(parted[high])

    def tolerances(self, pool: FloatArray, errors: FloatArray) -> FloatArray:
        """Return the tolerance of the nearer end, at the split in force."""
        n = len(pool)
        low = (n - _below(-pool, -errors)) / (n * self._below)
        high = (n - _below(pool, errors)) / (n * (1.0 - self._below))
        return np.asarray(np.minimum(np.minimum(low, high), 1.0), dtype=np.float64)


class Quantiles:
    """Quantiles of the first half of the pool, widened by the second half's conformal scores."""

    def __init__(self, coverage: float) -> None:
        self._coverage = coverage

    def ends(self, pool: FloatArray, coverage: float, *, session: int) -> tuple[float, float]:
        """Return the older half's quantiles, moved by the newer half's scores."""
        del session
        bottom, top, scores = self._scored(pool)
        place = min(max(math.ceil((len(scores) + 1) * coverage) - 1, 0), len(scores) - 1)
        more = np.partition(scores, place)[place]
        return -float(bottom - more), float(top + more)

    def tolerances(self, pool: FloatArray, errors: FloatArray) -> FloatArray:
        """Return the share of the newer half whose score is at least as large."""
        bottom, top, scores = self._scored(pool)
        own = _scores(bottom, top, errors)
        return np.asarray(1.0 - _below(scores, own) / (len(scores) + 1), dtype=np.float64)

    def _scored(self, pool: FloatArray) -> tuple[float, float, FloatArray]:
        half = max(len(pool) // 2, 1)
        older, recent = pool[:half], pool[half:] if half < len(pool) else pool
        low, high = _places(half, self._coverage, 0.5)
        parted = np.partition(older, (low, high))
        bottom, top = float(parted[low]), float(parted[high])
        return bottom, top, _scores(bottom, top, recent)


def _scores(bottom: float, top: float, errors: FloatArray) -> FloatArray:
    return quantile_scores(np.full(len(errors), bottom), np.full(len(errors), top), errors)


def _below(pool: FloatArray, values: FloatArray) -> FloatArray:
    """Return how many of the pool lie below each value."""
    return np.asarray((pool[:, None] < values).sum(axis=0), dtype=np.float64)


def _places(n: int, coverage: float, share_below: float) -> tuple[int, int]:
    """Return the ranks (from 0) of the ends that leave 1 - coverage out, a share of it below."""
    outside = (1.0 - coverage) * n
    low = min(max(math.floor(outside * share_below), 0), n - 1)
    high = min(max(math.ceil(n - outside * (1.0 - share_below)) - 1, low), n - 1)
    return low, high


def _pair(ordered: FloatArray, coverage: float, share_below: float) -> tuple[float, float]:
    low, high = _places(len(ordered), coverage, share_below)
    return float(ordered[low]), float(ordered[high])
