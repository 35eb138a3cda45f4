"""A connection as the web's own code sees it: whatever was attached to it."""

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State

# Litestar leaves user and auth to middleware, which we have none of: the guard judges.
AnyConnection = ASGIConnection[Any, Any, Any, State]
AnyRequest = Request[Any, Any, State]
