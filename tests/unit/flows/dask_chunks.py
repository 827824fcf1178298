"""A chunk of work that a worker in another process can import, for the tests of the engines."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Chunk:
    """A book of one exposure to a market that every chunk shares."""

    exposure: float
    market: np.ndarray


def priced(chunk: Chunk) -> float:
    """Return what the book makes over the whole market."""
    return float((chunk.exposure * chunk.market).sum())
