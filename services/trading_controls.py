"""Stop and resume trading, and grant temporary overrides: by a person, for a reason, on record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from basics.clock import Clock
from basics.errors import InvalidInputError
from basics.identifiers import short_id
from oms.controls import Override, TradingState, TradingSwitch
from services.ports import ControlStore

LONGEST_OVERRIDE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingControls:
    """What a risk manager may do at once, without a change of policy."""

    store: ControlStore
    clock: Clock

    def kill(self, scope: str, *, reason: str, by: str) -> TradingSwitch:
        """Stop everything in `scope` (a strategy, a portfolio, or `desk`) until it is released.

        Raises
        ------
        InvalidInputError
            If the reason or the person is missing.
        """
        _named(by, reason)
        return self._set(scope, kill_reason=reason.strip(), by=by)

    def release(self, scope: str, *, by: str) -> TradingSwitch:
        """Take the kill switch of `scope` back; its trading state stays."""
        _named(by, "released")
        return self._set(scope, kill_reason="", by=by)

    def set_state(self, scope: str, state: TradingState, *, by: str) -> TradingSwitch:
        """Let `scope` trade freely, only reduce, or not at all."""
        _named(by, state.value)
        return self._set(scope, state=state, by=by)

    def override(
        self, rule: str, *, scope: str, reason: str, by: str, lasts: timedelta
    ) -> Override:
        """Lift one rule for a book for a while.

        Raises
        ------
        InvalidInputError
            If the reason or person is missing, or it would last longer than a day.
        """
        if not timedelta(0) < lasts <= LONGEST_OVERRIDE:
            raise InvalidInputError(
                f"an override lasts up to {LONGEST_OVERRIDE}, got {lasts}: change the policy "
                "for longer"
            )
        now = self.clock.now()
        given = Override(
            override_id=short_id(rule, scope, reason, by, now, prefix="ovr"),
            rule=rule,
            scope=scope,
            reason=reason,
            granted_by=by,
            granted_at=now,
            expires_at=now + lasts,
        )
        self.store.grant(given)
        return given

    def switches(self) -> Sequence[TradingSwitch]:
        """Return the switch of every scope that ever had one."""
        return self.store.switches()

    def overrides_in_force(self) -> Sequence[Override]:
        """Return the overrides that have not expired."""
        now = self.clock.now()
        return [given for given in self.store.overrides() if given.expires_at > now]

    def _set(
        self,
        scope: str,
        *,
        by: str,
        state: TradingState | None = None,
        kill_reason: str | None = None,
    ) -> TradingSwitch:
        known = {switch.scope: switch for switch in self.store.switches()}.get(scope)
        switch = TradingSwitch(
            scope=scope,
            state=state or (known.state if known else TradingState.ACTIVE),
            kill_reason=(
                kill_reason if kill_reason is not None else known.kill_reason if known else ""
            ),
            changed_by=by,
            changed_at=self.clock.now(),
        )
        self.store.switch(switch)
        return switch


def _named(by: str, reason: str) -> None:
    if not (by.strip() and reason.strip()):
        raise InvalidInputError("say who acts and why: both are kept")
