"""What is asked of this machine by several checks."""

import socket


def is_this_machine(address: str) -> bool:
    """Whether an IP address is one of this machine's own: only those can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def listen(host: str, port: int) -> None:
    """Listen there for a moment. Raises OSError."""
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
        pass


def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - they are compared
    try:
        with socket.create_connection((everywhere.get(host, host), port), timeout=2):
            return True
    except OSError:
        return False


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens there yet."""
    try:
        listen(host, port)
    except OSError:
        return False
    return True
