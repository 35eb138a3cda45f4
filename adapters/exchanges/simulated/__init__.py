"""The simulated venue: one matching core for paper accounts, the demo, what-if and tests."""
