"""Real venues: what leaves the house, what comes back, and what it proves."""
