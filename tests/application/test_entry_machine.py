"""Any trading with entries of every kind: at market, post-only, by a share, called off far away."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from application.inputs import OrderReported, ReconciliationSeen, Refused
from domain.order import OrderRequested
from domain.settings import CapitalSettings, GeneratorSettings, GridSettings, RiskSettings
from tests.application.desk import Desk, market
from tests.application.test_trading_machine import SETTINGS, Trading

D = Decimal
EVERY_KIND = msgspec.structs.replace(
    SETTINGS,
    grid=GridSettings(
        generator=GeneratorSettings(legs=4, gap_percent=D(-1), sizes="geometric", size_step=D(2)),
        entry_order="market",
        post_only=True,
        undersized_leg="merge",
        max_pyramids=2,
        unfilled_minutes=30,
        cancel_dca_beyond_percent=D(3),
    ),
    capital=CapitalSettings(group_budget_rule="equity_share", pyramid_capital="split"),
    risk=RiskSettings(max_committed_capital=D(900_000), max_daily_loss=D(40_000)),
)


class Entering(Trading):
    """The same desk; its venue also refuses entries for every reason there is."""

    def __init__(self) -> None:
        super().__init__()
        markets = (market("BTC"), market("ETH", step=D("0.1"), contract_size=D("0.01")))
        self.desk = Desk(EVERY_KIND, markets=markets)
        nothing = ReconciliationSeen(asked_at=self.desk.now, open_client_order_ids=(), positions=())
        self.desk.handle(nothing)

    @precondition(lambda self: any(isinstance(e, OrderRequested) for e in self.desk.errands))
    @rule(kind=st.sampled_from(["other", "insufficient_funds", "post_only"]))
    def the_venue_refuses_an_entry(self, kind: Any) -> None:
        for errand in self.desk.errands:
            if isinstance(errand, OrderRequested) and errand.purpose == "entry":
                self.desk.errands.remove(errand)
                refused = Refused(code="-1", message="no", kind=kind)
                identity = errand.client_order_id
                self.desk.handle(OrderReported(client_order_id=identity, report=refused))
                return


TestEntering: Callable[[], Any] = Entering.TestCase
Entering.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=50,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
