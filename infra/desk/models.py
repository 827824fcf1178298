"""Models: the registry, training, service, and what was answered."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from infra.desk.risk import RiskDesk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from basics.trading import Fill
    from infra.database.prediction_events import DatabasePredictionEvents
    from infra.database.predictions import DatabasePredictionLog
    from services.arm_trials import ArmTrials
    from services.kind_service import KindService
    from services.kind_training import KindTraining
    from services.model_monitoring import ModelMonitoring
    from services.prediction_stream import PredictionStream
    from services.training import Training


class ModelDesk(RiskDesk):
    """Models, in training and in service."""

    @cached_property
    def prediction_log(self) -> "DatabasePredictionLog":
        """What models answered in service, what came of it, and trials of two versions."""
        from infra.database.predictions import DatabasePredictionLog

        return DatabasePredictionLog(self.database)

    @cached_property
    def prediction_events(self) -> "DatabasePredictionEvents":
        """What the stream made of each message of bars."""
        from infra.database.prediction_events import DatabasePredictionEvents

        return DatabasePredictionEvents(self.database)

    def prediction_stream(
        self, model: str, feature_set: str, *, tell: Callable[[str], None]
    ) -> "PredictionStream":
        """Return a consumer of bars that answers for `model`, on the desk's own loop."""
        from features.sets import feature_set as named
        from services.prediction_stream import PredictionStream, StreamFeatures
        from services.predictions import Predictions

        return PredictionStream(
            model=model,
            source=StreamFeatures(
                features=named(feature_set), online=self.online_store, batch=self.features
            ),
            queue=self.queue,
            predictions=Predictions(self.models),
            log=self.prediction_log,
            events=self.prediction_events,
            clock=self.clock,
            tell=tell,
        )

    @cached_property
    def arm_trials(self) -> "ArmTrials":
        """Begins, ends and judges trials of two versions in service."""
        from services.arm_trials import ArmTrials

        return ArmTrials(self.models, self.prediction_log, self.clock)

    @cached_property
    def model_monitoring(self) -> "ModelMonitoring":
        """Measures the versions in service against the policy."""
        from infra.policy import load_monitoring
        from services.model_monitoring import ModelMonitoring

        policy = load_monitoring(self.settings.policy_dir)
        return ModelMonitoring(
            self.models,
            self.prediction_log,
            policy,
            results=self.results,
            seed=self.settings.seed,
        )

    @cached_property
    def training(self) -> "Training":
        """Trains models, holds them against their rivals and registers them."""
        from infra.provenance import code_of, environment
        from services.training import Training

        return Training(
            self.models,
            code_version=code_of,
            environment=environment(commit=self.code_commit),
            results=self.results,
            data_tags=self._data_tags,
        )

    def _data_tags(self, version: str) -> "Mapping[str, str]":
        """Return what DVC calls the data of a content hash, where it tracks them."""
        from infra.dvc_data import dvc_tags
        from infra.isolation import PROJECT_ROOT

        states = self.market_data.lake.catalog()
        named = {state.version: state.dataset.name for state in states}
        return dvc_tags(PROJECT_ROOT, self.settings.state_dir / "lake", named, version)

    @cached_property
    def kinds(self) -> "KindTraining":
        """Trains each of the seven kinds on what the lake holds, and asks the newest of each."""
        from infra.provenance import environment, training_code
        from services.kind_training import KindTraining
        from services.tail_training import TailTraining

        return KindTraining(
            market=self.market_data,
            features=self.features,
            registry=self.models,
            training=self.training,
            tail=TailTraining(
                self.models,
                code_version=training_code("models.tail_forecast"),
                environment=environment(commit=self.code_commit),
                results=self.results,
                data_tags=self._data_tags,
            ),
            fills=self._last_fills,
        )

    @cached_property
    def kind_service(self) -> "KindService":
        """What each kind in service reads now, and what its outcomes are made from."""
        from infra.provenance import code_of_kind
        from services.kind_service import KindService

        return KindService(
            self.kinds,
            market=self.market_data,
            features=self.features,
            registry=self.models,
            code=code_of_kind,
        )

    def _last_fills(self) -> "Sequence[Fill]":
        """Return the fills of the newest run that was booked; none before the first."""
        from infra.database.runs import last_run

        run_id = last_run(self.database)
        return () if run_id is None else self.order_journal.fills(run_id)
