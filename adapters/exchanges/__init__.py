"""Venues: the simulated one, and the real ones through ccxt."""
