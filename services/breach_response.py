"""What is done about a breach of monitoring: an alert, and a training anew, each once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from basics.clock import Clock
from services.model_monitoring import VersionMonitor, alerts_of
from services.ports import Alert, ResultStore

RETRAINING_KIND = "models.retraining"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """What was done about breaches.

    Attributes
    ----------
    breaches, told : int
        Breaches found; alerts among them that were new.
    trained : mapping of str to str
        The version that was made, by model.
    """

    breaches: int
    told: int
    trained: Mapping[str, str]


class BreachResponse:
    """Tells breaches, and has trained anew what newer data may cure.

    Parameters
    ----------
    send : callable
        Sends alerts and returns how many were new; the same breach is the same alert.
    train : callable
        Trains the model of a name on the data that stand now and returns the version's label, or
        None where that is left to the training of the week; the
        gate decides as ever.
    """

    def __init__(
        self,
        results: ResultStore,
        clock: Clock,
        *,
        send: Callable[[Sequence[Alert]], int],
        train: Callable[[str], str | None],
    ) -> None:
        self._results = results
        self._clock = clock
        self._send = send
        self._train = train

    def respond(self, found: Sequence[VersionMonitor], *, as_of: date) -> Acted:
        """Tell every breach; train each model whose breach asks for it once a desk date.

        A process killed between training and its note trains again: the same inputs make no
        second version.
        """
        at = self._clock.now()
        alerts = [alert for monitor in found for alert in alerts_of(monitor, at=at)]
        told = self._send(alerts) if alerts else 0
        asked = {monitor.model: monitor for monitor in found if monitor.asks_for_training}
        trained = {}
        for name, monitor in asked.items():
            if self._done(name, as_of):
                continue
            made = self._train(name)
            if made is None:
                continue  # Left to the week's training; the alert stands.
            trained[name] = made
            document = {
                "model": name,
                "breached": monitor.label,
                "because": [breach.text for breach in monitor.breaches],
                "made": trained[name],
            }
            self._results.put(RETRAINING_KIND, name, as_of, document, {})
        return Acted(breaches=len(alerts), told=told, trained=trained)

    def _done(self, name: str, as_of: date) -> bool:
        if name not in self._results.scopes(RETRAINING_KIND):
            return False
        return self._results.latest(RETRAINING_KIND, name).desk_date >= as_of
