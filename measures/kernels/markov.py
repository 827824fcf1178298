"""The two passes over a hidden Markov chain: forward (what is known by then), backward (for fits).

Densities are scaled by the largest of their row, so that nothing underflows.
"""

import numpy as np

from basics.arrays import FloatArray
from measures.kernels.compiled import compiled


@compiled
def forward_pass(
    densities: FloatArray,
    start: FloatArray,
    transition: FloatArray,
    filtered: FloatArray,
    scale: FloatArray,
) -> None:
    """Write P(state | rows up to t) and the log of each row's density given those before."""
    count = len(start)
    prior = start.copy()
    for t in range(len(densities)):
        total = 0.0
        for s in range(count):
            filtered[t, s] = prior[s] * densities[t, s]
            total += filtered[t, s]
        for s in range(count):
            filtered[t, s] /= total
        scale[t] = np.log(total)
        for s in range(count):
            ahead = 0.0
            for r in range(count):
                ahead += filtered[t, r] * transition[r, s]
            prior[s] = ahead


@compiled
def backward_pass(
    filtered: FloatArray, transition: FloatArray, smoothed: FloatArray, pairs: FloatArray
) -> None:
    """Write P(state | all rows), and the expected number of moves from each state to each."""
    count = len(transition)
    last = len(filtered) - 1
    smoothed[last] = filtered[last]
    pairs[:] = 0.0
    for t in range(last - 1, -1, -1):
        for s in range(count):
            smoothed[t, s] = 0.0
        for s in range(count):
            ahead = 0.0
            for r in range(count):
                ahead += filtered[t, r] * transition[r, s]
            ratio = smoothed[t + 1, s] / max(ahead, 1e-300)
            for r in range(count):
                joint = filtered[t, r] * transition[r, s] * ratio
                pairs[r, s] += joint
                smoothed[t, r] += joint
