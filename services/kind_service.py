"""What a kind in service reads now, and what its outcomes are made from."""

from collections.abc import Callable, Sequence

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from basics.identifiers import content_hash
from features.panel import FeaturePanel
from market.panel import Panel
from models.price import PriceSpec
from services import kind_inputs
from services.feature_store import FeatureStore
from services.kind_training import DATASETS, FEATURE_SET, FLOW, KINDS, TRAINABLE, KindTraining
from services.market_data import MarketData
from services.model_outcomes import NEVER, Ground
from services.ports import ModelRegistry, ModelVersion
from services.tail_files import FEATURE_SET as TAIL_SET
from services.tail_files import TAIL
from services.tail_promise import FEATURE
from services.tail_training import newest_volatility


class KindService:
    """The declared kinds as they stand in service, by the names that they are trained under.

    Parameters
    ----------
    code : callable
        Returns the hash of the code that a kind's features are made by: what another made is
        not read back.
    """

    def __init__(
        self,
        kinds: KindTraining,
        *,
        market: MarketData,
        features: FeatureStore,
        registry: ModelRegistry,
        code: Callable[[str], str],
    ) -> None:
        self._kinds = kinds
        self._market = market
        self._features = features
        self._registry = registry
        self._code = code

    def trained(self) -> Sequence[str]:
        """Return the kinds of which more than the naive baseline stands."""
        known = set(self._registry.names())
        return [k for k in TRAINABLE if k in known and len(self._registry.versions(k)) > 1]

    def watched(self, kind: str) -> tuple[FeaturePanel | None, str]:
        """Return the features that versions are asked on now, and the version of their data.

        Computed once for each state of the data, then read back. The risk kind's are made by the
        version itself, in training: None.
        """
        if kind == "risk":
            return None, self._market.version(DATASETS[kind])
        version = self._data_version(kind)
        if version is None:
            inputs = self._kinds.inputs(kind)
            return inputs.asked, inputs.data_version
        key = content_hash("what a kind is asked on", kind, version, self._code(kind))
        panel = self._features.cache.load(key)
        if panel is None:
            panel = self._kinds.inputs(kind).asked
            self._features.cache.save(key, panel)
        return panel, version

    def _data_version(self, kind: str) -> str | None:
        """Return the version of a kind's data before they are read; None for the desk's flow."""
        if kind == FLOW:
            return None
        if kind != "signal":
            return self._market.version(DATASETS[kind])
        price = kind_inputs.newest_trained(self._registry)
        return kind_inputs.signal_data_version(self._market, price, DATASETS[kind])

    def newest(self, kind: str, *versions: ModelVersion) -> FeaturePanel:
        """Return what the versions read at the newest session.

        Raises
        ------
        MissingDataError
            If none of them can be asked.
        """
        if kind != "risk":
            features, _ = self.watched(kind)
            assert features is not None  # None for the risk kind alone.
            return features.window(len(features.sessions) - 1, len(features.sessions))
        trained = [version for version in versions if TAIL in version.sha256]
        if not trained:
            raise MissingDataError(
                "the risk kind was not trained: run `quantdesk models train risk`"
            )
        symbols, volatility = newest_volatility(self._registry, trained[0])
        session = kind_inputs.closes(self._market, DATASETS[kind]).sessions[-1:]
        return FeaturePanel(
            (FEATURE,), symbols, session, volatility[None, :, None], TAIL_SET,
            trained[0].feature_hash,
        )  # fmt: skip

    def ground(self, kind: str, *, price: PriceSpec, closes: Panel | None = None) -> Ground:
        """Return what the kind's outcomes are made from.

        Parameters
        ----------
        closes : Panel or None
            Of the series that it foretells; those that the kind is trained on if None.

        Raises
        ------
        MissingDataError
            If its outcome never becomes known, or its dataset is not in the lake.
        """
        if kind not in KINDS:
            reason = NEVER if kind == FLOW else f"the kinds are {', '.join(KINDS)}"
            raise MissingDataError(f"no outcome is known for model {kind!r}: {reason}")
        stood = kind_inputs.closes(self._market, DATASETS[kind]) if closes is None else closes

        def side() -> FloatArray:
            features = self._features.panel(FEATURE_SET, DATASETS[kind])
            return kind_inputs.price_forecast(self._registry, features)[1]

        return Ground(closes=stood, price=price, side=side)
