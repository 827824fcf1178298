"""The one place where abstract needs meet concrete means.

`open_desk` yields a `Desk`: every service of the house, built when it is first asked for, so
that a command pays only for what it uses, and closed in reverse order. Nothing happens at
import. What is wired how stands in `infra.desk`, a module a topic.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from basics.clock import Clock
from infra.clock import SystemClock
from infra.desk.models import ModelDesk
from infra.isolation import default_state_dir, isolate
from infra.settings import Settings, load_settings
from services.ports import MessageQueue

if TYPE_CHECKING:
    from services.live_desk import LiveDesk


class Desk(ModelDesk):
    """The services of one desk; see each property for what it does."""

    def live_desk(self, queue: MessageQueue) -> "LiveDesk":
        """Return the live desk, not yet started; it runs on the loop that owns `queue`."""
        from infra.live_desk import build_live_desk

        return build_live_desk(self, queue)


@contextmanager
def open_desk(settings: Settings | None = None, *, clock: Clock | None = None) -> Iterator[Desk]:
    """Wire the services for `settings`; close what was opened on exit.

    Parameters
    ----------
    settings : Settings, optional
        Read from the environment and the file when left out.
    clock : Clock, optional
        The machine's clock when left out.
    """
    settings = settings or load_settings()
    if settings.state_dir != default_state_dir():
        isolate(settings.state_dir)
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as resources:
        yield Desk(settings, clock or SystemClock(), resources)
