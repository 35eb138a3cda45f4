"""The web's own lines in the program's log. Bodies, secrets and tokens never reach it."""

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger("web")
