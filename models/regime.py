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
    prior = model.start
    for t, density in enumerate(densities):
        joint = prior * density
        total = joint.sum()
        filtered[t] = joint / total
        scale[t] = np.log(total) + top[t]
        prior = filtered[t] @ model.transition
    return filtered, scale


def _maximise(x: FloatArray, model: RegimeModel, filtered: FloatArray) -> RegimeModel:
    """Smooth backwards, then take the weighted moments: for fitting alone, never for serving."""
    smoothed = np.empty_like(filtered)
    smoothed[-1] = filtered[-1]
    pairs = np.zeros_like(model.transition)
    for t in range(len(x) - 2, -1, -1):
        ahead = filtered[t] @ model.transition
        ratio = smoothed[t + 1] / np.maximum(ahead, 1e-300)
        joint = filtered[t][:, None] * model.transition * ratio[None]
        pairs += joint
        smoothed[t] = joint.sum(axis=1)
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
