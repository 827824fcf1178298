"""Bring the components up one after another, and know how far it has come."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from basics.errors import QuantDeskError, UnavailableError

KEEP_SECONDS = 1.0  # How long an asking counts: callers without a key may not make more of them.

Mode = Literal["waiting", "embedded", "real", "degraded", "failed"]


@dataclass(frozen=True, slots=True)
class Started:
    """How a component came up."""

    mode: Mode
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentState:
    """One component as it stands.

    Attributes
    ----------
    mode : str
        `waiting` for its turn; `embedded` in this process; `real` on a server; `degraded`:
        the desk goes on without it; `failed`: the desk cannot.
    seconds : float
        How long it took to come up.
    """

    name: str
    mode: Mode
    detail: str
    seconds: float

    @property
    def ready(self) -> bool:
        """Whether it has come up, if only degraded."""
        return self.mode not in {"waiting", "failed"}


@dataclass(frozen=True, slots=True)
class Component:
    """Something that must come up before the desk answers.

    Attributes
    ----------
    required : bool
        Whether the desk cannot answer without it; else its failure is a degraded mode.
    watched : bool
        Whether `start` only asks how it is, so that it may be asked again at any time.
    """

    name: str
    start: Callable[[], Awaitable[Started]]
    required: bool = False
    watched: bool = False


class StartUp:
    """Starts components in order; `states` tells how far it has come.

    Parameters
    ----------
    monotonic : callable
        Seconds that never run backwards.
    """

    def __init__(
        self,
        components: Sequence[Component],
        *,
        on_started: Callable[[ComponentState], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._components = components
        self._on_started = on_started
        self._monotonic = monotonic
        self._looking = asyncio.Lock()
        self._looked_at = -math.inf
        self.states = [
            ComponentState(name=c.name, mode="waiting", detail="", seconds=0.0) for c in components
        ]
        self.error: QuantDeskError | None = None

    @property
    def ready(self) -> bool:
        """Whether every component has come up."""
        return all(state.ready for state in self.states)

    async def run(self) -> None:
        """Start each component after the one before; stop at a required one that fails."""
        for place, component in enumerate(self._components):
            began = time.perf_counter()
            lost: Mode = "failed" if component.required else "degraded"
            started, error = await _asked(component, lost=lost)
            state = ComponentState(
                name=component.name,
                mode=started.mode,
                detail=started.detail,
                seconds=time.perf_counter() - began,
            )
            self.states[place] = state
            self._on_started(state)
            if state.mode == "failed":
                self.error = error
                return

    async def look_again(self) -> None:
        """Ask the watched components how they are now; one that has gone is degraded.

        A required one too: what it held in memory goes on answering, and it may come back. Callers
        at one time share one asking, which counts for `KEEP_SECONDS`.
        """
        if not self.ready:  # Still coming up, or given up.
            return
        async with self._looking:
            if self._monotonic() - self._looked_at >= KEEP_SECONDS:
                await self._ask_watched()
                self._looked_at = self._monotonic()

    async def _ask_watched(self) -> None:
        for place, component in enumerate(self._components):
            if component.watched:
                started, _ = await _asked(component, lost="degraded")
                self.states[place] = replace(
                    self.states[place], mode=started.mode, detail=started.detail
                )


async def _asked(component: Component, *, lost: Mode) -> tuple[Started, QuantDeskError | None]:
    """Return how the component is: in mode `lost`, and why, if it does not answer."""
    error: QuantDeskError
    try:
        return await component.start(), None
    except QuantDeskError as failure:
        error = failure
    except Exception as failure:  # A component's failure must show, whatever it is.
        error = UnavailableError(f"{type(failure).__name__}: {failure}")
    return Started(lost, str(error)), error
