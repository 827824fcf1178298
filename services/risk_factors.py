"""The factors of a book's market on its own sessions, and what each symbol makes of them."""

from collections.abc import Mapping

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import MissingDataError
from risk.book import Book
from risk.groups import MIN_FACTOR_SESSIONS
from services.risk_inputs import History


def factors_on(factors: Mapping[str, History], sessions: DateArray) -> dict[str, FloatArray]:
    """Return each factor on `sessions`, NaN where it has no return."""
    found = {}
    for name, history in factors.items():
        at = np.searchsorted(history.sessions, sessions).clip(max=len(history.sessions) - 1)
        there = history.sessions[at] == sessions
        found[name] = np.where(there, history.values[at], np.nan)
    return found


def factor_moves(
    factors: Mapping[str, History], sessions: DateArray
) -> tuple[tuple[str, ...], FloatArray]:
    """Return the factors' names, and their returns on the sessions that have all of them.

    Raises
    ------
    MissingDataError
        If no factor is given, or fewer than MIN_FACTOR_SESSIONS sessions have every one.
    """
    on = factors_on(factors, sessions)
    known = np.isfinite(np.stack(list(on.values()))).all(axis=0) if on else np.zeros(0, bool)
    if known.sum() < MIN_FACTOR_SESSIONS:
        raise MissingDataError(
            f"{int(known.sum())} sessions have every factor: {MIN_FACTOR_SESSIONS} are needed"
        )
    return tuple(on), np.stack(list(on.values()))[:, known]


def factor_betas(factors: Mapping[str, History], book: Book) -> dict[str, FloatArray]:
    """Regress each symbol's returns on all factors together; none where they are not known."""
    try:
        names, moves = factor_moves(factors, book.sessions)
    except MissingDataError:
        return {}
    known = np.isfinite(np.stack(list(factors_on(factors, book.sessions).values())))
    returns = book.returns[:, known.all(axis=0)]
    centred = moves - moves.mean(axis=1, keepdims=True)
    slopes, _, rank, _ = np.linalg.lstsq(
        centred.T, (returns - returns.mean(axis=1, keepdims=True)).T, rcond=1e-10
    )
    return {} if rank < len(names) else dict(zip(names, slopes, strict=True))
