"""Shocks that are found, not written: replayed history, conditional moves, reverse stress."""

import math
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import InvalidInputError, MissingDataError


@dataclass(frozen=True, slots=True)
class Replay:
    """What each symbol did over a past window.

    Attributes
    ----------
    returns : ndarray of shape (n_symbols,)
        Simple returns over the window.
    proxied : tuple of str
        Symbols without prices at both ends, moved by beta times the market instead.
    """

    returns: FloatArray
    proxied: tuple[str, ...]
    first: date
    last: date


def replay_window(
    symbols: tuple[str, ...],
    close: FloatArray,
    sessions: DateArray,
    *,
    window: tuple[date, date],
    betas: FloatArray,
) -> Replay:
    """Return what each symbol did from the last session before the window to its last session.

    Parameters
    ----------
    close : ndarray of shape (n_symbols, n_sessions)
        NaN where there is no close.
    betas : ndarray of shape (n_symbols,)
        For symbols that did not trade then; the market is the mean of those that did.

    Raises
    ------
    MissingDataError
        If the prices do not cover the window, or no symbol traded in it.
    """
    start, end = (np.datetime64(day, "D") for day in window)
    first = int(np.searchsorted(sessions, start)) - 1
    last = int(np.searchsorted(sessions, end, side="right")) - 1
    if first < 0 or last <= first or end > sessions[-1]:
        raise MissingDataError(
            f"prices from {sessions[0]} to {sessions[-1]} do not cover {start} to {end}"
        )
    returns = close[:, last] / close[:, first] - 1.0
    known = np.isfinite(returns)
    if not known.any():
        raise MissingDataError(f"nothing held traded between {start} and {end}")
    market = float(returns[known].mean())
    return Replay(
        np.where(known, returns, betas * market),
        tuple(s for s, k in zip(symbols, known, strict=True) if not k),
        sessions[first].astype("datetime64[D]").astype(date),
        sessions[last].astype("datetime64[D]").astype(date),
    )


def worst_stretch(pnl: FloatArray, *, sessions: int) -> slice:
    """Return where the stretch of `sessions` lies in which a book loses most.

    Parameters
    ----------
    pnl : ndarray of shape (n_sessions,)
        What today's book would have made on each session of the history.

    Raises
    ------
    MissingDataError
        If the history is shorter than that, or the book never loses.
    """
    if len(pnl) < sessions:
        raise MissingDataError(f"{len(pnl)} sessions of history hold no stretch of {sessions}")
    level = np.concatenate([[0.0], np.cumsum(pnl)])
    sums = level[sessions:] - level[:-sessions]
    first = int(np.argmin(sums))
    if not sums[first] < 0:
        raise MissingDataError(f"the book loses in no {sessions} sessions of its history")
    return slice(first, first + sessions)


def conditional_moves(covariance: FloatArray, *, shocked: dict[int, float]) -> FloatArray:
    """Return the expected move of every factor given the moves of some (Kupiec 1998).

    E[f | f_s] = C_fs C_ss^-1 f_s; the factors that were shocked move as given.

    Raises
    ------
    InvalidInputError
        If nothing is shocked, or the shocked factors are linearly dependent.
    """
    if not shocked:
        raise InvalidInputError("a conditional shock needs at least one factor")
    at = np.array(sorted(shocked))
    values = np.array([shocked[i] for i in at])
    block = covariance[np.ix_(at, at)]
    if np.linalg.matrix_rank(block) < len(at):
        raise InvalidInputError("the shocked factors are linearly dependent: drop one")
    moves: FloatArray = covariance[:, at] @ np.linalg.solve(block, values)
    return moves


@dataclass(frozen=True, slots=True)
class ReverseStress:
    """The most plausible shock that loses a given amount.

    Attributes
    ----------
    moves : ndarray of shape (n,)
        Returns.
    deviations : float
        Mahalanobis distance in daily standard deviations: larger is less plausible.
    """

    moves: FloatArray
    deviations: float


def reverse_stress(exposures: FloatArray, covariance: FloatArray, *, loss: float) -> ReverseStress:
    """Find the likeliest joint return that loses `loss` on a linear book.

    Minimises r' C^-1 r subject to x' r = -loss; the answer is -loss C x / (x' C x), at a distance
    of loss / sigma (Breuer et al. 2009).

    Raises
    ------
    InvalidInputError
        If the loss is not positive.
    MissingDataError
        If the book has no risk, so that nothing can lose it.
    """
    if not loss > 0:
        raise InvalidInputError(f"the loss to look for must be positive, got {loss}")
    pull = covariance @ exposures
    variance = float(exposures @ pull)
    if variance <= 0:
        raise MissingDataError("the book has no risk: nothing can lose that")
    return ReverseStress(-loss * pull / variance, loss / math.sqrt(variance))
