"""What the services need from the outside world, as Protocols, a module a topic.

Ports that wait on sockets (cache, queue, venue) are async; storage on the desk's own disk
is synchronous. Each port has one contract suite in `tests/contract`, run on every adapter.
"""

from services.ports.alerts import Alert, AlertStore, Severity, StoredAlert
from services.ports.cache import Cache, CacheStatus
from services.ports.features import FeatureCache, LiveBarStore
from services.ports.files import BarFiles, Delivery, Rejection, RejectionReport
from services.ports.ledger import LedgerRecord, LedgerStore
from services.ports.market import (
    Appended,
    BarLake,
    BarSource,
    DataQualityDocument,
    DataQualityReporter,
    SimulatedMarkets,
)
from services.ports.messaging import Message, MessageQueue, QueueStatus, TopicStatus
from services.ports.models import AliasMove, ModelRegistry, ModelRun, ModelVersion
from services.ports.orders import (
    ControlStore,
    OrderChange,
    OrderJournal,
    OrderRefusal,
    ReplayVenue,
    SessionRecord,
    Venue,
)
from services.ports.pnl_days import KeptBooks, KeptSpan, PnlDayStore
from services.ports.results import JsonDocument, ResultStore, StoredResult
from services.ports.serving import (
    PredictionEvent,
    PredictionEvents,
    PredictionLog,
    ServedPrediction,
    StandingPlan,
)

__all__ = [
    "Alert",
    "AlertStore",
    "AliasMove",
    "Appended",
    "BarFiles",
    "BarLake",
    "BarSource",
    "Cache",
    "CacheStatus",
    "ControlStore",
    "DataQualityDocument",
    "DataQualityReporter",
    "Delivery",
    "FeatureCache",
    "JsonDocument",
    "KeptBooks",
    "KeptSpan",
    "LedgerRecord",
    "LedgerStore",
    "LiveBarStore",
    "Message",
    "MessageQueue",
    "ModelRegistry",
    "ModelRun",
    "ModelVersion",
    "OrderChange",
    "OrderJournal",
    "OrderRefusal",
    "PnlDayStore",
    "PredictionEvent",
    "PredictionEvents",
    "PredictionLog",
    "QueueStatus",
    "Rejection",
    "RejectionReport",
    "ReplayVenue",
    "ResultStore",
    "ServedPrediction",
    "SessionRecord",
    "Severity",
    "SimulatedMarkets",
    "StandingPlan",
    "StoredAlert",
    "StoredResult",
    "TopicStatus",
    "Venue",
]
