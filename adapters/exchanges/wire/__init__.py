"""The simulated venue behind a real venue's wire protocol, for unmodified ccxt to trade on."""
