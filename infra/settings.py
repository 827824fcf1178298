"""The only module that reads the environment.

A setting comes from a `QUANTDESK_*` variable, else from the TOML file (`quantdesk.toml` in the
project folder, or the file that `QUANTDESK_CONFIG` names), else from its default here. An unknown
name, in either, is refused: a typo must not pass in silence.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from basics.errors import InvalidInputError
from infra.isolation import PROJECT_ROOT, default_state_dir
from infra.setting_groups import (
    ApiSettings,
    CacheSettings,
    DatabaseSettings,
    FactorSettings,
    LakeSettings,
    LiveSettings,
    MlflowSettings,
    OrderSettings,
    PredictionLogSettings,
    QueueSettings,
    Section,
    VenueSettings,
)

PREFIX = "QUANTDESK_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"


class Settings(BaseSettings):
    """Everything that an operator may set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    state_dir: Path = Field(default_factory=default_state_dir, description="folder of all state")
    policy_dir: Path = Field(
        default=PROJECT_ROOT / "policy", description="folder of what a risk manager edits"
    )
    params_file: Path = Field(
        default=PROJECT_ROOT / "params.yaml", description="parameters of the day's batch"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="WARNING", description="least severe log line that is shown"
    )
    log_format: Literal["console", "json"] = Field(default="console", description="form of a line")
    seed: int = Field(default=20221228, ge=0, description="seed of everything simulated")
    american_options: Literal["bjerksund_stensland_2002", "bjerksund_stensland_1993"] = Field(
        default="bjerksund_stensland_2002",
        description="formula of American options; that of 1993 is what QuantLib computes",
    )
    threads: int = Field(default=2, ge=1, le=256, description="threads a computation may use")
    database: DatabaseSettings = DatabaseSettings()
    cache: CacheSettings = CacheSettings()
    queue: QueueSettings = QueueSettings()
    venue: VenueSettings = VenueSettings()
    orders: OrderSettings = OrderSettings()
    live: LiveSettings = LiveSettings()
    api: ApiSettings = ApiSettings()
    lake: LakeSettings = LakeSettings()
    factors: FactorSettings = FactorSettings()
    prediction_log: PredictionLogSettings = PredictionLogSettings()
    mlflow: MlflowSettings = MlflowSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, file."""
        del dotenv_settings, file_secret_settings
        file = TomlConfigSettingsSource(settings_cls, toml_file=config_file())
        return init_settings, env_settings, file


def config_file() -> Path:
    """Return the path of the TOML file, which need not exist unless it was named."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named and not Path(named).is_file():
        raise InvalidInputError(f"{CONFIG_VARIABLE} names {named}, which is not a file")
    return Path(named) if named else PROJECT_ROOT / "quantdesk.toml"


def load_settings(**overrides: Any) -> Settings:  # noqa: ANN401 - pydantic checks each value
    """Read the settings from overrides, environment and file.

    Raises
    ------
    InvalidInputError
        If a name is unknown or a value is malformed; the message names every one.
    """
    _refuse_unknown_variables()
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
        )
        raise InvalidInputError(
            f"settings are wrong: {lines} (see `quantdesk config show`)"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(f"{config_file()} is not valid TOML: {error}") from error


def explain_settings(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield (name, value, source) of each setting; secrets are masked."""
    try:
        in_file = _flatten(tomllib.loads(config_file().read_text()))
    except FileNotFoundError:
        in_file = {}
    for name, value in _flatten(settings.model_dump()).items():
        variable = PREFIX + name.replace(".", "__").upper()
        if variable in {key.upper() for key in os.environ}:
            source = f"environment {variable}"
        else:
            source = f"file {config_file().name}" if name in in_file else "default"
        yield name, "" if value is None else str(value), source


def known_variables() -> frozenset[str]:
    """Return the name of every variable that is read."""
    names = {CONFIG_VARIABLE}
    for name, field in Settings.model_fields.items():
        variable = PREFIX + name.upper()
        names.add(variable)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            names.update(f"{variable}__{key.upper()}" for key in field.annotation.model_fields)
    return frozenset(names)


def _refuse_unknown_variables() -> None:
    """Refuse a mistyped variable, which pydantic-settings would pass over."""
    known = known_variables()
    unknown = sorted(
        key for key in os.environ if key.upper().startswith(PREFIX) and key.upper() not in known
    )
    if unknown:
        raise InvalidInputError(
            f"unknown setting {', '.join(unknown)}: `quantdesk config show` lists the names"
        )


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
