"""Whom Faro believes when it calls others over TLS."""

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """The usual authorities: certifi's, or those of SSL_CERT_FILE. Read once in a process, since it takes 40 ms and Faro has five clients."""
    return httpx.create_ssl_context()
