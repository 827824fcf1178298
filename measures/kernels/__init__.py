"""Compiled loops over a symbol × time panel: rolling, recursive, order statistics, cross-section.

The shared form of a rolling kernel
-----------------------------------
`x` has shape (n_symbols, n_sessions), one symbol's history in one contiguous row. The lag is
the outer loop and time the inner one, over two contiguous slices of the row, so that the
compiler turns the inner loop into vector instructions; all windows asked for are answered in
one pass from the shortest to the longest. Sums run over differences to the newest value, so a
long history neither cancels digits nor drifts: a window's result depends on that window alone.

`first` is the first column that is wanted: a live update asks for the last column only and runs
the very same loop, which is why batch and live agree to the last bit.

NaN means missing and is left out of a window (one value present is enough, unless a kernel says
more); an output is NaN where its statistic is not defined.
"""
