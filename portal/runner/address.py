"""Whether the web process will get its address, before it is started again and again in vain."""

import errno
import socket
from contextlib import closing

WHY = {
    errno.EADDRINUSE: "another program listens there already (perhaps a portal that still runs)",
    errno.EACCES: "this user may not listen there (ports below 1024 belong to root)",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


def obstacle(bind: str) -> str:
    """A sentence that says why nothing can listen at ``bind`` (`address:port` or `unix:/path`); empty if it can."""
    if bind.startswith("unix:"):
        return ""
    host, _, port = bind.rpartition(":")
    if not port.isdigit():
        return f"PORTAL_BIND is {bind!r}, and has to be address:port, such as 127.0.0.1:8000, or unix:/path."
    host = host.strip("[]") or "0.0.0.0"  # noqa: S104 - what gunicorn makes of it
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError) as error:
        why = WHY.get(getattr(error, "errno", 0), str(error))
        return f"The web process cannot listen at {bind}: {why}. Stop that, or set PORTAL_BIND to another address."
    return ""
