"""The trading rules as pure decisions over recorded facts: no I/O, clock or randomness."""
