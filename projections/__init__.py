"""Read models: each a pure function of the log, kept in tables with its position."""
