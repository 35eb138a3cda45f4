"""What the risk engine cannot do for an operator is told, never dropped in silence."""

from application.inputs import OperatorActed
from domain.trading_day import AlertRaised, RaiseAlert


def order_refused(acted: OperatorActed, text: str) -> RaiseAlert:
    """Tell why an order changes nothing; its subject is the action itself."""
    alert = AlertRaised(
        kind="risk_order_refused", severity="warning", subject=acted.action, text=text
    )
    return RaiseAlert(alert=alert)
