"""The simulated venue: one matching core for paper accounts, the demo, simulations and tests."""
