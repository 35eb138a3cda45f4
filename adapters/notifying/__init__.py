"""Alerts on their way out of the house, to whoever must be woken."""
