"""The only module that reads the environment.

A setting comes from a `QUANTDESK_*` variable, else from the TOML file (`quantdesk.toml` in the
project folder, or the file that `QUANTDESK_CONFIG` names), else from its default here. An unknown
name, in either, is refused: a typo must not pass in silence.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from basics.errors import InvalidInputError
from infra.isolation import PROJECT_ROOT, default_state_dir

PREFIX = "QUANTDESK_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"


class Section(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(Section):
    """Where what is booked lives."""

    url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL; empty selects SQLite in the state folder"
    )
    replica_url: SecretStr | None = Field(
        default=None, description="URL of a streaming replica that may answer reads"
    )
    pool_size: int = Field(default=5, ge=1, le=100, description="connections kept open")
    connect_timeout_seconds: int = Field(default=3, ge=1, le=60, description="wait for a server")


class CacheSettings(Section):
    """Where the cache lives and how long answers stay fresh."""

    url: SecretStr | None = Field(
        default=None, description="redis:// URL; empty selects the in-process cache"
    )
    timeout_seconds: float = Field(default=0.04, gt=0, le=5, description="longest wait for a call")
    breaker_open_seconds: float = Field(
        default=0.5, gt=0, le=60, description="pause after a failure before the next probe"
    )
    max_entries: int = Field(default=100_000, ge=1, description="entries kept in process")
    ttl_predictions_seconds: int = Field(default=300, ge=1, description="life of a prediction")
    ttl_features_seconds: int = Field(
        default=300, ge=1, description="life of a live feature vector"
    )
    ttl_risk_seconds: int = Field(default=60, ge=1, description="life of a risk answer")


class QueueSettings(Section):
    """Where messages wait."""

    url: SecretStr | None = Field(
        default=None, description="redis:// URL; empty selects SQLite in the state folder"
    )
    timeout_seconds: float = Field(default=0.5, gt=0, le=10, description="longest wait for a call")
    breaker_open_seconds: float = Field(
        default=0.5, gt=0, le=60, description="pause after a failure before the next probe"
    )
    max_length: int = Field(default=100_000, ge=1, description="messages kept per topic")
    max_deliveries: int = Field(default=5, ge=1, description="tries before a message is set aside")


class VenueSettings(Section):
    """What the simulated venue charges; spread and impact come from the impact model."""

    name: str = Field(default="SIM", min_length=1, description="venue name in executions")
    fee_per_unit: Decimal = Field(
        default=Decimal("0.0035"), ge=0, description="commission per share, in money"
    )
    fee_minimum: Decimal = Field(
        default=Decimal("0.35"), ge=0, description="smallest commission of a trade"
    )
    half_spread: float = Field(
        default=0.0002, ge=0, lt=0.1, description="half the quoted spread, a fraction of price"
    )
    max_volume_share: Decimal = Field(
        default=Decimal("0.25"), gt=0, le=1, description="largest execution over daily volume"
    )


class OrderSettings(Section):
    """The book of orders that people and programs place."""

    fund: str = Field(default="demo-fund", min_length=1, description="fund of the orders' book")
    portfolio: str = Field(default="manual", min_length=1, description="portfolio of the book")
    strategy: str = Field(
        default="manual", min_length=1, description="strategy, which names the control limits"
    )
    account: str = Field(default="PAPER-1", min_length=1, description="account of the book")
    capital: Decimal = Field(
        default=Decimal(1_000_000), gt=0, description="money that the book began with"
    )
    dataset: str = Field(default="equities", min_length=1, description="bars that it trades on")
    lock_timeout_seconds: float = Field(
        default=5.0, gt=0, le=60, description="wait for another process that enters orders"
    )


class LiveSettings(Section):
    """The live desk: profit, risk and limits that follow each mark, fill and order."""

    poll_seconds: float = Field(
        default=0.5, gt=0, le=60, description="wait before fills of other processes are looked for"
    )
    pause_seconds: float = Field(
        default=0.05, gt=0, le=10, description="least time between two published states"
    )
    persist_seconds: float = Field(
        default=10.0, gt=0, le=3600, description="least time between two stored states"
    )
    profile_seconds: float = Field(
        default=5.0, gt=0, le=3600, description="least time between two full live risk profiles"
    )
    stale_after_seconds: float = Field(
        default=300.0, gt=0, description="silence after which a mark is listed as stale"
    )
    hysteresis: float = Field(
        default=0.05, ge=0, lt=1, description="how far below a limit a breach is cleared, a share"
    )
    max_pending_marks: int = Field(default=100_000, ge=1, description="marks that may wait")
    stream_clients: int = Field(default=100, ge=1, description="streams served at once")
    stream_backlog: int = Field(
        default=64, ge=1, description="events that wait for a slow client before it is dropped"
    )
    stream_memory: int = Field(
        default=256, ge=1, description="latest events kept for clients that come back"
    )
    heartbeat_seconds: float = Field(
        default=15.0, gt=0, le=300, description="silence after which a stream says it lives"
    )


class ApiSettings(Section):
    """Where the API listens; its key is made at the first start unless given."""

    host: Literal["127.0.0.1", "::1", "localhost"] = Field(
        default="127.0.0.1", description="loopback address"
    )
    port: int = Field(default=8310, ge=0, le=65535, description="0 takes a free port")
    key: SecretStr | None = Field(
        default=None, description="API key; empty reads or makes <state>/api-key"
    )
    max_body_bytes: int = Field(default=65_536, ge=1024, description="largest request body")


class PredictionLogSettings(Section):
    """How answers of models in service are kept, beside the answering."""

    max_waiting: int = Field(
        default=20_000, ge=1, description="answers that may wait to be written; more are dropped"
    )
    batch: int = Field(default=1_000, ge=1, description="answers written in one transaction")
    flush_seconds: float = Field(default=0.5, gt=0, le=60, description="pause between writes")
    keep_days: int = Field(default=1_100, ge=1, description="days that an answer is kept")


class FactorSettings(Section):
    """Risk factors of your own, by which profit is split beside the desk's."""

    sources: dict[str, str] = Field(
        default_factory=dict,
        description="name to dataset/symbol[/field][@return|@change], or a file of date, return",
    )


class MlflowSettings(Section):
    """Where models are registered."""

    url: str | None = Field(
        default=None, description="address of an MLflow server; empty keeps them in <state>/mlflow"
    )
    timeout_seconds: float = Field(default=5.0, gt=0, le=60, description="longest wait for a call")
    user: str | None = Field(default=None, description="user name at the MLflow server")
    password: SecretStr | None = Field(default=None, description="password of that user")
    token: SecretStr | None = Field(
        default=None, description="bearer token, in place of user and password"
    )
    secret_file: Path | None = Field(
        default=None, description="file that holds the password (with a user) or the token"
    )
    signing_key: SecretStr | None = Field(
        default=None,
        description="key that signs versions, shared by the machines of one registry; empty makes "
        "one in the state folder",
    )


class LakeSettings(Section):
    """Where market data lies."""

    url: str | None = Field(
        default=None,
        description="folder or object-store URL (s3://, gs://, az://); empty selects <state>/lake",
    )


class Settings(BaseSettings):
    """Everything that an operator may set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    state_dir: Path = Field(default_factory=default_state_dir, description="folder of all state")
    policy_dir: Path = Field(
        default=PROJECT_ROOT / "policy", description="folder of what a risk manager edits"
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
