"""The proof that the house stands: see `docs/decisions` and the style page for the kinds."""
