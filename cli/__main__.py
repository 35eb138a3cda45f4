"""`python -m cli`: the same as `plimsoll`."""

from cli.main import main

main()
