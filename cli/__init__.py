"""The composition root and the `plimsoll` command."""
