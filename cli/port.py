"""Whether the address the house is to listen on is free."""

import socket


def require_free(host: str, port: int) -> None:
    """Asked before anything opens: a house without a door must not begin to work its accounts.

    Raises ValueError naming the address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except (OSError, OverflowError) as error:
            raise ValueError(
                f"--host was {host}, --port {port}, where nobody can listen ({error}): choose"
                " another --port, 0 for any free one, or an address of this machine"
            ) from error
