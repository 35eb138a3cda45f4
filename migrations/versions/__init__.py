"""One revision a step, each with its SQL written by hand beside it."""
