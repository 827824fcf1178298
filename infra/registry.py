"""Which model registry the settings name: the one in the state folder, or an MLflow server's."""

from pathlib import Path

from basics.clock import Clock
from infra.model_registry import MlflowRegistry
from infra.setting_groups import MlflowSettings


def open_registry(settings: MlflowSettings, folder: Path, *, clock: Clock) -> MlflowRegistry:
    """Return the registry that the settings name; nothing is connected yet."""
    key = settings.signing_key.get_secret_value().encode() if settings.signing_key else None
    if settings.url is None:
        return MlflowRegistry(folder, clock=clock, signing_key=key)
    from infra.mlflow_access import access_of
    from infra.remote_registry import RemoteRegistry

    return RemoteRegistry(
        settings.url,
        folder,
        clock=clock,
        timeout_seconds=settings.timeout_seconds,
        signing_key=key,
        access=access_of(settings),
    )
