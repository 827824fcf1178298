"""Which of three barriers a price path meets first."""

from basics.arrays import IntArray
from measures.kernels.compiled import Floats, compiled


@compiled
def first_touch(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    close: Floats,
    width: Floats,
    side: Floats,
    lag: int,
    horizon: int,
    barriers: tuple[float, float],
    outcome: Floats,
    gain: Floats,
    end: IntArray,
) -> None:
    """Walk from close(t + lag) up to `horizon` sessions on, or to the first barrier.

    Parameters
    ----------
    close, width, side : float ndarray of shape (n_symbols, n_sessions)
        The path; the barriers' unit at t, a return; +1 for long, -1 for short.
    barriers : tuple of float
        Profit and loss barrier in multiples of `width`; infinite for none.
    outcome : float ndarray of the same shape
        Set to 1 (profit barrier first), -1 (loss barrier) or 0 (time) where it is decided; left
        alone where entry, width or side is missing, or the path ends first.
    gain : float ndarray of the same shape
        Set to the return in the direction of `side` when the walk ends.
    end : int64 ndarray of the same shape
        Set to the column where the walk ends.
    """
    n_symbols, n = close.shape
    for i in range(n_symbols):
        for t in range(n - lag):
            entry, unit, direction = close[i, t + lag], width[i, t], side[i, t]
            if not (entry > 0 and unit > 0 and abs(direction) == 1):
                continue
            for h in range(t + lag + 1, min(t + lag + horizon + 1, n)):
                move = direction * (close[i, h] / entry - 1)
                up, down = move >= barriers[0] * unit, move <= -barriers[1] * unit
                # A missing close passes every barrier by, and cannot end the walk.
                if up or down or (h == t + lag + horizon and move == move):  # noqa: PLR0124
                    outcome[i, t] = 1.0 if up else (-1.0 if down else 0.0)
                    gain[i, t] = move
                    end[i, t] = h
                    break
