"""How many tries there are at what: within a quarter of an hour, at all nodes together (flow/throttle.py)."""

from ipaddress import IPv6Address, ip_address

from gateway.flow.throttle import Count

TRIES_AN_ACCOUNT = 10
TRIES_A_CLIENT = 50


def of_account(what: str) -> Count:
    """Tries at one account, or at something that is as dear."""
    return Count(f"account|{what}", TRIES_AN_ACCOUNT)


def of_client(what: str) -> Count:
    """Tries of one client, at anybody's."""
    return Count(f"client|{what}", TRIES_A_CLIENT)


def network(client: str) -> str:
    """What counts as one client: an address, or the /64 that an IPv6 client chooses its addresses from."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or int(address) >> 64)
    return client
