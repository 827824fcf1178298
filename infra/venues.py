"""Venues: where approved orders go."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from infra.setting_groups import VenueSettings
from market.liquidity import ImpactModel
from oms.controls import ApprovedOrder
from oms.matching import FeeSchedule, Quote, ReferenceExchange
from oms.orders import Order, Report


class SimulatedVenue:
    """A venue inside this process: an exchange without a socket between.

    Its reports carry the market's time, which in a simulation is the session's, not the wall's.
    """

    def __init__(self, exchange: ReferenceExchange) -> None:
        self._exchange = exchange
        self._outbox: list[Report] = []

    @property
    def name(self) -> str:
        """The venue's name."""
        return self._exchange.name

    def set_market(self, quotes: Mapping[str, Quote], *, at: datetime) -> None:
        """Move the market; resting orders may execute or expire."""
        self._outbox.extend(self._exchange.move(quotes, at=at))

    async def submit(self, order: ApprovedOrder) -> None:
        """Send `order`; sent twice it executes once."""
        self._outbox.extend(self._exchange.submit(order))

    async def cancel(self, cl_ord_id: str) -> None:
        """Ask to cancel what is left of an order."""
        self._outbox.extend(self._exchange.cancel(cl_ord_id))

    async def replace(self, replacement: ApprovedOrder) -> None:
        """Ask to give an order the quantity and limit of `replacement`."""
        self._outbox.extend(self._exchange.replace(replacement))

    async def restore(self, orders: Sequence[Order], *, at: datetime) -> None:
        """Forget everything and take `orders` as the open ones as of `at`."""
        self._exchange.restore(orders, at=at)
        self._outbox = []

    async def reports(self) -> Sequence[Report]:
        """Return what the venue said since the last call, in order."""
        said, self._outbox = self._outbox, []
        return said


def build_simulated_venue(settings: VenueSettings) -> SimulatedVenue:
    """Return a simulated venue that charges what the settings say."""
    return SimulatedVenue(
        ReferenceExchange(
            name=settings.name,
            impact=ImpactModel(half_spread=settings.half_spread),
            fees=FeeSchedule(per_unit=settings.fee_per_unit, minimum=settings.fee_minimum),
            max_volume_share=settings.max_volume_share,
        )
    )
