"""From the lake to what each kind of model is trained on."""

from dataclasses import replace
from datetime import date
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from basics.identifiers import content_hash
from features.definitions import FeatureSet
from features.labels import forward_return
from features.panel import FeaturePanel
from features.sets import feature_set as feature_set_of
from market.panel import Panel
from models.anomaly_kind import (
    FIELDS,
    AnomalySpec,
    bar_features,
    plant_bad_ticks,
    planted_labels,
)
from models.kinds import KindSpec
from models.price import PriceSpec
from models.regime_kind import RegimeSpec, regime_features
from models.signal import SignalSpec, base_rate, signal_features, signal_labels
from models.sizing_features import constant_size, right_size, sizing_features
from models.sizing_kind import SizingSpec
from models.volatility import VolatilitySpec, variance_ratio, volatility_features
from services import model_documents as documents
from services import model_tables as tables
from services.feature_store import FeatureStore
from services.leak_proof import LeakProof
from services.market_data import MarketData
from services.ports import ModelRegistry, ModelVersion
from services.training_inputs import TrainingInputs

# Sessions with observed open, high and low of both indices.
RANGES_FROM, RANGES_TO = date(1999, 1, 4), date(2018, 12, 31)
OHLC = ("open", "high", "low", "close")
T = TypeVar("T", bound=np.generic)
Spec = TypeVar("Spec", RegimeSpec, SizingSpec, AnomalySpec, SignalSpec)


def closes(market: MarketData, dataset: str) -> Panel:
    """Return the closes of a dataset: the field that is observed everywhere."""
    return market.panel(dataset, fields=("close",))


def price_inputs(
    market: MarketData, features: FeatureStore, *, dataset: str, feature_set: str, spec: PriceSpec
) -> TrainingInputs:
    """Return what the price model is trained on."""
    proof = LeakProof(
        label=partial(forward_return, horizon=spec.horizon, entry_lag=spec.entry_lag),
        panel=closes(market, dataset),
        feature_set=_with_bars(features, feature_set, dataset),
    )
    return TrainingInputs(
        features=features.panel(feature_set, dataset),
        outcome=proof.label(proof.panel),
        data_version=market.version(dataset),
        spec=spec,
        proof=proof,
    )


def volatility_inputs(
    market: MarketData, *, dataset: str, ranges: bool, spec: VolatilitySpec
) -> TrainingInputs:
    """Return what the volatility model is trained on.

    Parameters
    ----------
    ranges : bool
        Use open, high and low: only where they are observed, over the sessions that have them.
    """
    # Another universe is another model: their predictions share no rows to be compared on.
    name = spec.name if dataset == "equities" and not ranges else f"{spec.name}_{dataset}"
    spec = replace(spec, name=f"{name}_ranges" if ranges else name)
    if ranges:
        panel = market.panel(dataset, fields=OHLC, start=RANGES_FROM, end=RANGES_TO)
        # Two refits of GARCH must lie before the test.
        spec = replace(spec, first_test_year=max(spec.first_test_year, 2006))
    else:
        panel = closes(market, dataset)
    return _made(
        LeakProof(
            label=partial(variance_ratio, horizon=spec.horizon),
            panel=panel,
            features=partial(volatility_features, ranges=ranges),
        ),
        data_version=market.version(dataset),
        spec=spec,
    )


def regime_inputs(
    market: MarketData, *, dataset: str = "indices", symbol: str = "SPX", spec: RegimeSpec
) -> TrainingInputs:
    """Return what the regime model is trained on: one series that stands for the market."""
    panel = market.panel(dataset, fields=("close",), symbols=(symbol,))
    return _made(
        LeakProof(
            label=partial(variance_ratio, horizon=spec.horizon),
            panel=panel,
            features=regime_features,
        ),
        data_version=market.version(dataset),
        spec=_named(spec, dataset, "indices"),
    )


def sizing_inputs(
    market: MarketData, *, dataset: str = "indices", spec: SizingSpec
) -> TrainingInputs:
    """Return what the sizing model is trained on: series that one could hold."""
    panel = market.panel(dataset, fields=("close", "volume"))
    held = constant_size(panel, before_year=spec.first_test_year, rules=spec.sizing)
    return _made(
        LeakProof(
            label=partial(right_size, horizon=spec.horizon, rules=spec.sizing),
            panel=panel,
            features=sizing_features,
        ),
        data_version=market.version(dataset),
        spec=replace(
            _named(spec, dataset, "indices"),
            constant_size=held,
            realised=forward_return(panel, horizon=1, entry_lag=1).values,
        ),
    )


def anomaly_inputs(
    market: MarketData, *, dataset: str = "equities_ohlcv", spec: AnomalySpec
) -> TrainingInputs:
    """Return what the anomaly model is trained on: real bars, errors planted into some."""
    panel = market.panel(dataset, fields=FIELDS)
    spoiled, planted = plant_bad_ticks(
        panel, share=spec.planted_share, generator=np.random.default_rng(spec.seed)
    )
    name = f"planted errors in {dataset}"
    return TrainingInputs(
        features=bar_features(spoiled, history=panel),
        sound=bar_features(panel),
        outcome=planted_labels(planted, name=name),
        data_version=market.version(dataset),
        spec=_named(spec, dataset, "equities_ohlcv"),
        proof=LeakProof(
            label=lambda p: planted_labels(_within(planted, panel, p), name=name),
            panel=panel,
            features=bar_features,
        ),
    )


def signal_inputs(
    market: MarketData,
    features: FeatureStore,
    price: tuple[ModelVersion, FloatArray],
    *,
    dataset: str,
    feature_set: str,
    spec: SignalSpec,
) -> TrainingInputs:
    """Return what the signal model is trained on.

    Parameters
    ----------
    price : tuple of ModelVersion and ndarray of shape (n_symbols, n_sessions)
        The price version that gives the side, and its predictions out of sample.
    """
    version, forecast = price
    panel = closes(market, dataset)
    proof = LeakProof(
        label=lambda p: signal_labels(p, _within(forecast, panel, p), spec),
        panel=panel,
        feature_set=_with_bars(features, feature_set, dataset),
    )
    outcome = proof.label(panel)
    rate = base_rate(outcome, panel, before_year=spec.first_test_year)
    return TrainingInputs(
        features=signal_features(features.panel(feature_set, dataset), forecast),
        outcome=outcome,
        data_version=signal_data_version(market, version, dataset),
        lake_version=market.version(dataset),
        spec=replace(_named(spec, dataset, "equities"), base_rate=rate),
        proof=proof,
    )


def price_forecast(
    registry: ModelRegistry, features: FeaturePanel, *, name: str = "price"
) -> tuple[ModelVersion, FloatArray]:
    """Return the newest price version that was trained, and its predictions out of sample.

    Raises
    ------
    MissingDataError
        If no price model was trained yet.
    """
    newest = newest_trained(registry, name)
    content = registry.read(newest, documents.PREDICTIONS)
    return newest, tables.read_predictions(content, features)[newest.estimator]


def newest_trained(registry: ModelRegistry, name: str = "price") -> ModelVersion:
    """Return the newest version that has predictions out of sample.

    Raises
    ------
    MissingDataError
        If none was trained yet.
    """
    trained = [v for v in registry.versions(name) if documents.PREDICTIONS in v.sha256]
    if not trained:
        raise MissingDataError(
            f"no {name} model was trained: run `quantdesk models train price` before its signal"
        )
    return trained[-1]


def signal_data_version(market: MarketData, price: ModelVersion, dataset: str) -> str:
    """Return what a signal rests on: the bars, and the price version that gives the side."""
    return content_hash(market.version(dataset), price.input_key)


def _made(proof: LeakProof, *, data_version: str, spec: KindSpec) -> TrainingInputs:
    """Return inputs whose features and outcome are made as the proof has it."""
    assert proof.features is not None  # Only for kinds with features of their own.
    return TrainingInputs(
        features=proof.features(proof.panel),
        outcome=proof.label(proof.panel),
        data_version=data_version,
        spec=spec,
        proof=proof,
    )


def _with_bars(features: FeatureStore, name: str, dataset: str) -> tuple[FeatureSet, Panel]:
    """Return a set of the catalogue and the bars that it is computed from."""
    found = feature_set_of(name)
    return found, features.bars(found, dataset)


def _within(values: NDArray[T], whole: Panel, part: Panel) -> NDArray[T]:
    """Return the values of those sessions of the whole panel that a part of it has."""
    return values[:, np.isin(whole.sessions, part.sessions)]


def _named(spec: Spec, dataset: str, usual: str) -> Spec:
    """Return the spec under a name of its own where it is trained on another universe."""
    return spec if dataset == usual else replace(spec, name=f"{spec.name}_{dataset}")
