"""The regime kind: in which state the market is, told from what was known by then.

A Gaussian hidden Markov model over daily features. Probabilities are forward-filtered: the
smoothed ones that libraries give use the future. States are numbered by their volatility,
calmest first, so that a label means the same after each retraining, and a change of label
needs a clear lead (hysteresis), so that it does not whip back and forth.
"""

from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError
from measures.kernels.markov import backward_pass, forward_pass

LABELS = {2: ("calm", "turbulent"), 3: ("calm", "normal", "turbulent")}


@dataclass(frozen=True, slots=True)
class RegimeModel:
    """A fitted hidden Markov model with diagonal Gaussian emissions.

    Attributes
    ----------
    start : ndarray of shape (n_states,)
        Probabilities of the first session.
    transition : ndarray of shape (n_states, n_states)
        Row i: probabilities of the next state after i.
    mean, variance : ndarray of shape (n_states, n_features)
        Of each state's emissions; states ascend by the variance of the first feature.
    """

    start: FloatArray
    transition: FloatArray
    mean: FloatArray
    variance: FloatArray

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the states, calmest first."""
        count = len(self.start)
        return LABELS.get(count, tuple(f"state_{i}" for i in range(count)))

    def filter(self, x: FloatArray) -> FloatArray:
        """Return P(state of t | rows up to t), of shape (n_sessions, n_states).

        Parameters
        ----------
        x : ndarray of shape (n_sessions, n_features)
            In time order, finite.
        """
        return _forward(self, _log_densities(self, _checked(x)))[0]

    def stationary(self) -> FloatArray:
        """Return the share of time in each state in the long run."""
        values, vectors = np.linalg.eig(self.transition.T)
        share = np.real(vectors[:, np.argmin(np.abs(values - 1.0))])
        return np.asarray(share / share.sum(), dtype=np.float64)


def fit_regimes(
    x: FloatArray, *, states: int = 2, iterations: int = 100, tolerance: float = 1e-6
) -> RegimeModel:
    """Fit by expectation maximisation (Baum and Welch), started at quantiles of the first column.

    No random start: the same rows give the same model.

    Raises
    ------
    InvalidInputError
        If rows are not finite, or fewer than two states are asked for.
    MissingDataError
        If there are fewer than 50 rows for each state.
    """
    x = _checked(x)
    if states < 2:
        raise InvalidInputError(f"a market has at least two states, got {states}")
    if len(x) < 50 * states:
        raise MissingDataError(f"{len(x)} rows are too few for {states} states")
    model = _initial(x, states)
    before = -np.inf
    for _ in range(iterations):
        densities = _log_densities(model, x)
        filtered, scale = _forward(model, densities)
        likelihood = float(scale.sum())
        model = _maximise(x, model, filtered)
        if likelihood - before < tolerance * abs(likelihood):
            break
        before = likelihood
    return _ordered(model)


def with_hysteresis(filtered: FloatArray, *, enter: float = 0.7) -> IntArray:
    """Return the state of each session; it changes only when another reaches `enter`.

    Raises
    ------
    InvalidInputError
        If `enter` does not lie in [0.5, 1).
    """
    if not 0.5 <= enter < 1.0:
        raise InvalidInputError(f"enter must lie in [0.5, 1), got {enter}")
    states = np.empty(len(filtered), dtype=np.int64)
    current = int(filtered[0].argmax())
    for t, row in enumerate(filtered):
        leader = int(row.argmax())
        if leader != current and row[leader] >= enter:
            current = leader
        states[t] = current
    return states


def filtered_windows(model: RegimeModel, windows: FloatArray) -> FloatArray:
    """Return P(state | window up to t) for many windows of one feature at once.

    Parameters
    ----------
    windows : ndarray of shape (n_rows, n_sessions)
        Each row in time order, finite.

    Returns
    -------
    ndarray of shape (n_rows, n_sessions, n_states)
        Each row as if it were alone: sums run over the states one by one.
    """
    count = len(model.start)
    out = np.empty((*windows.shape, count))
    prior = np.broadcast_to(model.start, (len(windows), count))
    for t in range(windows.shape[1]):
        error = windows[:, t, None] - model.mean[None, :, 0]
        logs = -0.5 * (np.log(model.variance[:, 0])[None] + error**2 / model.variance[None, :, 0])
        joint = prior * np.exp(logs - logs.max(axis=1, keepdims=True))
        total = joint[:, 0].copy()
        for state in range(1, count):
            total += joint[:, state]
        now = joint / total[:, None]
        out[:, t] = now
        moved = now[:, :1] * model.transition[0]
        for state in range(1, count):
            moved = moved + now[:, state : state + 1] * model.transition[state]
        prior = moved
    return out


def with_hysteresis_rows(filtered: FloatArray, *, enter: float) -> IntArray:
    """Return the last state of each window of shape (n_rows, n_sessions, n_states)."""
    leader = filtered.argmax(axis=2)
    sure = np.take_along_axis(filtered, leader[:, :, None], axis=2)[:, :, 0] >= enter
    current = leader[:, 0].astype(np.int64)
    for t in range(1, filtered.shape[1]):
        current = np.where((leader[:, t] != current) & sure[:, t], leader[:, t], current)
    return np.asarray(current, dtype=np.int64)


def _initial(x: FloatArray, states: int) -> RegimeModel:
    """Start from groups of rows by the size of the first column."""
    rank = np.argsort(np.argsort(np.abs(x[:, 0] - x[:, 0].mean()), kind="stable"), kind="stable")
    group = rank * states // len(x)
    mean = np.stack([x[group == s].mean(axis=0) for s in range(states)])
    variance = np.stack([x[group == s].var(axis=0) for s in range(states)])
    stay = 0.95
    transition = np.full((states, states), (1.0 - stay) / (states - 1))
    np.fill_diagonal(transition, stay)
    floor = 1e-6 * x.var(axis=0)
    return RegimeModel(np.full(states, 1.0 / states), transition, mean, variance + floor)


def _log_densities(model: RegimeModel, x: FloatArray) -> FloatArray:
    error = x[:, None, :] - model.mean[None]
    terms = np.log(2 * np.pi * model.variance)[None] + error**2 / model.variance[None]
    return np.asarray(-0.5 * terms.sum(axis=2), dtype=np.float64)


def _forward(model: RegimeModel, log_densities: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the filtered probabilities and the log likelihood of each row given those before."""
    top = log_densities.max(axis=1)
    densities = np.exp(log_densities - top[:, None])
    filtered = np.empty_like(densities)
    scale = np.empty(len(densities))
    start = np.ascontiguousarray(model.start)
    forward_pass(densities, start, np.ascontiguousarray(model.transition), filtered, scale)
    return filtered, scale + top


def _maximise(x: FloatArray, model: RegimeModel, filtered: FloatArray) -> RegimeModel:
    """Smooth backwards, then take the weighted moments: for fitting alone, never for serving."""
    smoothed = np.empty_like(filtered)
    pairs = np.zeros_like(model.transition)
    backward_pass(filtered, np.ascontiguousarray(model.transition), smoothed, pairs)
    weight = smoothed.sum(axis=0)
    mean = smoothed.T @ x / weight[:, None]
    error = (x[:, None, :] - mean[None]) ** 2
    variance = (smoothed[:, :, None] * error).sum(axis=0) / weight[:, None]
    transition = pairs / np.maximum(pairs.sum(axis=1, keepdims=True), 1e-300)
    return RegimeModel(smoothed[0], transition, mean, variance + 1e-6 * x.var(axis=0))


def _ordered(model: RegimeModel) -> RegimeModel:
    """Return the model with its states numbered by the variance of the first feature."""
    order = np.argsort(model.variance[:, 0], kind="stable")
    return RegimeModel(
        model.start[order],
        model.transition[np.ix_(order, order)],
        model.mean[order],
        model.variance[order],
    )


def _checked(x: FloatArray) -> FloatArray:
    if x.ndim != 2 or not np.isfinite(x).all():
        raise InvalidInputError(f"regimes need finite rows of features, got shape {x.shape}")
    return x
