"""Summaries of two neighbouring stretches merged into that of both, many stretches at a time.

Moments after Chan, Golub and LeVeque (1979): counts, means, squares about the mean, products.
An empty stretch has count, mean, square and product 0 and changes nothing. A stretch whose values
are all equal has a square of exactly zero. Each loop runs over plain rows, which the compiler
turns into vector instructions; `a` is the older part, `b` the newer.
"""

from typing import Any

import numpy as np

from measures.kernels.compiled import Floats, compiled


@compiled
def add(a: Floats, b: Floats, out: Floats) -> None:
    """Write the sums."""
    for t in range(len(out)):
        out[t] = a[t] + b[t]


@compiled
def merge_squares(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    count_a: Floats, count_b: Floats, mean_a: Floats, mean_b: Floats, shift: np.floating[Any],
    square_a: Floats, square_b: Floats, mean: Floats, square: Floats,
) -> None:  # fmt: skip
    """Write means and squares; the older means are `shift` too large."""
    zero = mean.dtype.type(0)
    for t in range(len(mean)):
        n = count_a[t] + count_b[t]
        share = count_b[t] / n if n > zero else zero
        before = mean_a[t] - shift
        off = mean_b[t] - before
        mean[t] = before + off * share
        square[t] = square_a[t] + square_b[t] + off * (off * (count_a[t] * share))


@compiled
def merge_products(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    count_a: Floats, count_b: Floats, x_a: Floats, x_b: Floats, y_a: Floats, y_b: Floats,
    shift: np.floating[Any], product_a: Floats, product_b: Floats, out: Floats,
) -> None:  # fmt: skip
    """Write the products of x and y; the older means of y are `shift` too large."""
    zero = out.dtype.type(0)
    for t in range(len(out)):
        n = count_a[t] + count_b[t]
        weight = count_a[t] * count_b[t] / n if n > zero else zero
        off = y_b[t] - (y_a[t] - shift)
        out[t] = product_a[t] + product_b[t] + (x_b[t] - x_a[t]) * (off * weight)
