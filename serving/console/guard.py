"""What every page of the console needs before it answers: a host, a session, safe headers.

The host check keeps a page elsewhere from reaching the console under a name of its own (DNS
rebinding): an address or ``localhost`` is what the browser connected to; any other name must be
one of those allowed.
"""

import ipaddress
from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import Response

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
"""Headers of every page. Styles may stand in attributes, where charts place their bars; scripts
come from our own files only."""

LOCAL = "localhost"


def host_name(header: str) -> str:
    """Return the name in a Host header without its port.

    Examples
    --------
    >>> host_name("books.example:3000"), host_name("[::1]:3000"), host_name("127.0.0.1")
    ('books.example', '::1', '127.0.0.1')
    """
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.rpartition(":")[0] if header.count(":") == 1 else header


def is_own_host(header: str, allowed: Collection[str] = ()) -> bool:
    """Tell whether a Host header may ask for pages.

    Examples
    --------
    >>> is_own_host("127.0.0.1:3000"), is_own_host("localhost"), is_own_host("evil.example")
    (True, True, False)
    >>> is_own_host("ar.example:443", ("ar.example",))
    True
    """
    name = host_name(header).lower().rstrip(".")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == LOCAL or name in allowed
    return True


def is_local_path(path: str) -> bool:
    r"""Tell whether an address may be gone to after signing in: a path of this site.

    Examples
    --------
    >>> is_local_path("/worklist?page=2"), is_local_path("//evil.example"), is_local_path("/\\x")
    (True, False, False)
    """
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()


def is_secure(request: Request) -> bool:
    """Tell whether the browser came over TLS, so that the cookie may be bound to it."""
    return request.url.scheme == "https"


def sealed(response: Response) -> Response:
    """Return a response with the headers of every page."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
