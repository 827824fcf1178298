"""Compiled loops over a symbol × time panel: rolling, recursive, order statistics, cross-section.

The shared form of a rolling kernel
-----------------------------------
`x` has shape (n_rows, n_sessions) and a row is one symbol's history. What can be merged (sums,
moments, lines, extremes) climbs a ladder of window lengths: the summary of 60 sessions is that of
the newer 30 merged with that of the 30 before them (`measures.kernels.ladder`, `.merging`), so
that all windows together take a few loops over contiguous cells, which the compiler turns into
vector instructions. Nothing is subtracted from a sum, so a long history neither cancels digits nor
drifts: a window's result depends on that window alone. Live, windows are kept as the same
summaries, merged in another order (`measures.kernels.streams`).

Ranks, quantiles and mean deviations look at the window's values themselves. Their `x` has shape
(n_rows, n_sessions * stride): live, all symbols stand in one row, session after session, and
`stride` is their number, so that the value `lag` sessions ago stands `lag * stride` cells earlier
and one loop serves both.

`first` is the first session that is wanted; `out` has a cell for each wanted one. NaN means
missing and is left out of a window (one value present is enough, unless a kernel says more); an
output is NaN where its statistic is not defined.
"""
