"""The settings by group: what each means, its default and its bounds.

`infra.settings` reads them; a new group gets its line in `Settings`.
"""

from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


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
