"""Order statistics of a series in place (Hoare's quickselect): cheaper than a whole sort."""

from basics.arrays import FloatArray
from measures.kernels.compiled import compiled


@compiled
def select(a: FloatArray, low: int, high: int, k: int) -> None:
    """Reorder a[low..high] so that a[k] is in its sorted place, none before it larger."""
    while low < high:
        pivot = _median_of_three(a, low, high)
        i, j = low, high
        while i <= j:
            while a[i] < pivot:
                i += 1
            while pivot < a[j]:
                j -= 1
            if i <= j:
                a[i], a[j] = a[j], a[i]
                i += 1
                j -= 1
        if j < k < i:
            return
        if k <= j:
            high = j
        else:
            low = i


@compiled
def _median_of_three(a: FloatArray, low: int, high: int) -> float:
    """Return the median of first, middle and last: a pivot that needs no random source."""
    first, middle, last = a[low], a[(low + high) // 2], a[high]
    median: float = max(min(first, middle), min(max(first, middle), last))
    return median
