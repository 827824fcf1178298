"""Orders: the journal, the controls, the limits that bind them, the venue."""

from functools import cached_property
from typing import TYPE_CHECKING

from infra.desk.market import MarketDesk

if TYPE_CHECKING:
    from infra.control_policy import ControlPolicy
    from infra.database.controls import DatabaseControlStore
    from infra.database.orders import DatabaseOrderJournal
    from infra.night_market import LakeNightMarket
    from services.execution_plans import ExecutionPlan, ExecutionTerms
    from services.limit_register import LimitRegister
    from services.order_entry import OrderEntry
    from services.trading import TradingSimulation
    from services.trading_controls import TradingControls


class TradingDesk(MarketDesk):
    """Orders and what binds them."""

    @cached_property
    def order_journal(self) -> "DatabaseOrderJournal":
        """Orders, what was said about them, and their fills."""
        from infra.database.orders import DatabaseOrderJournal

        return DatabaseOrderJournal(self.database)

    @cached_property
    def control_policy(self) -> "ControlPolicy":
        """What binds every order, as the policy files say."""
        from infra.control_policy import load_control_policy

        return load_control_policy(self.settings.policy_dir)

    @cached_property
    def control_store(self) -> "DatabaseControlStore":
        """Trading states, kill switches and overrides."""
        from infra.database.controls import DatabaseControlStore

        return DatabaseControlStore(self.database)

    @cached_property
    def limit_register(self) -> "LimitRegister":
        """Which limits are in force, who raised one and until when, what was breached."""
        from infra.database.limits import DatabaseLimitStore
        from infra.policy import load_limits
        from services.limit_register import LimitRegister

        return LimitRegister(
            DatabaseLimitStore(self.database), self.clock, load_limits(self.settings.policy_dir)
        )

    def trading_simulation(self) -> "TradingSimulation":
        """Return a simulation with a venue of its own, whose market it sets."""
        from infra.venues import build_simulated_venue
        from services.trading import TradingSimulation

        return TradingSimulation(
            venue=build_simulated_venue(self.settings.venue),
            journal=self.order_journal,
            limits=self.control_policy.limits,
            risk_limits=self.limit_register.in_force(),
            restricted=self.control_policy.restricted,
        )

    @cached_property
    def night_market(self) -> "LakeNightMarket":
        """What the night believes of the market: orders and live risk rest on it."""
        from infra.night_market import LakeNightMarket

        return LakeNightMarket(self.settings, self.market_data, self.review)

    @cached_property
    def order_entry(self) -> "OrderEntry":
        """Places, cancels and replaces orders on paper, at the desk date's last prices."""
        from infra.order_entry import OrderRules, build_order_entry

        return build_order_entry(
            self.settings,
            market_data=self.market_data,
            journal=self.order_journal,
            controls=self.control_store,
            rules=OrderRules(self.control_policy, self.limit_register, self.night_market),
            clock=self.clock,
        )

    def execution_plan(self, terms: "ExecutionTerms") -> "ExecutionPlan":
        """Plan an order over the session after the lake's last one."""
        from infra.order_entry import next_session_plan

        return next_session_plan(terms, self.settings, market_data=self.market_data)

    @cached_property
    def trading_controls(self) -> "TradingControls":
        """Stops and resumes trading, and grants overrides."""
        from services.trading_controls import TradingControls

        return TradingControls(store=self.control_store, clock=self.clock)
