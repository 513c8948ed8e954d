"""Whose request it is, behind proxies of our own or none."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import HTTPConnection


def client_address(request: HTTPConnection, proxies: Sequence[IPv4Network | IPv6Network]) -> str:
    """Who asks: the direct peer, or whom our own proxies say they speak for. Of IPv6 the network, since one client has all of its addresses."""
    hops = [hop.strip() for hop in request.headers.get("x-forwarded-for", "").split(",")]
    client = request.client.host if request.client else ""
    while hops and _is_one_of(client, proxies) and _is_address(hops[-1]):
        client = hops.pop()
    if not _is_address(client):
        return client
    address = ip_address(client)
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))


def _is_one_of(client: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    return _is_address(client) and any(ip_address(client) in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
