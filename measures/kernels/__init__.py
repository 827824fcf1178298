"""Compiled loops over a symbol × time panel: rolling, recursive, order statistics, cross-section.

The shared form of a rolling kernel
-----------------------------------
`x` has shape (n_rows, n_sessions * stride). In batch a row is one symbol's history and `stride`
is 1; live, where an operator keeps its window's values, all symbols stand in one row, session
after session, and `stride` is their number. Either way the value `lag` sessions ago stands
`lag * stride` cells earlier, so one loop serves both: the lag is the outer loop, the inner one
runs over contiguous cells, which the compiler turns into vector instructions, and all windows
asked for are answered in one pass from the shortest to the longest. Sums run over differences to
the newest value, so a long history neither cancels digits nor drifts: a window's result depends
on that window alone. Live, most windows are kept as summaries that merge
(`measures.kernels.streams`).

`first` is the first session that is wanted; `out` has a cell for each wanted one. NaN means
missing and is left out of a window (one value present is enough, unless a kernel says more); an
output is NaN where its statistic is not defined.
"""
