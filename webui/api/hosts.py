"""Host and Origin headers: what they name, and under which names this server answers.

docs/decisions/0004-only-known-hosts-are-answered.md tells why.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

# A name as DNS and browsers write it, an IPv4 address or an IPv6 address in brackets; then a port or none.
HOST = re.compile(
    r"(?P<name>[a-z0-9_.-]{1,255}|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{0,5}))?", re.IGNORECASE
)
ORIGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]{0,30})://(?P<host>[^/]+)/?", re.IGNORECASE)
USUAL_PORTS = {"http": 80, "https": 443}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Host:
    """A host that a header names: lower case, no dot at the end, IPv6 without brackets. No port: not said."""

    name: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """What a Host header says; None where it is not one host and at most one port."""
        found = HOST.fullmatch(text)
        if found is None:
            return None
        name = found["name"].lower().removesuffix(".")
        port = int(found["port"]) if found["port"] else None
        if name.startswith("["):
            name = name[1:-1]
            if ":" not in name or parse_address(name) is None:
                return None
        return cls(name, port) if name and ".." not in name and (port or 0) < 2**16 else None

    @property
    def address(self) -> Address | None:
        """The address, where the host is given as one; None for a name."""
        return parse_address(self.name)

    @property
    def is_loopback(self) -> bool:
        """Whether it can only mean the machine on which the browser runs."""
        if self.name == "localhost" or self.name.endswith(".localhost"):
            return True
        return self.address is not None and self.address.is_loopback


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a page came from, as the browser says: scheme and host."""

    scheme: str
    host: Host

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """What an Origin header says; None for `null` and for what is no origin."""
        found = ORIGIN.fullmatch(text)
        host = Host.parse(found["host"]) if found else None
        return cls(found["scheme"].lower(), host) if found and host else None

    def __str__(self) -> str:
        """As browsers write it."""
        name = f"[{self.host.name}]" if ":" in self.host.name else self.host.name
        port = self.host.port
        shown = "" if port is None or port == USUAL_PORTS.get(self.scheme) else f":{port}"
        return f"{self.scheme}://{name}{shown}"

    def is_at(self, host: Host) -> bool:
        """Whether a page of this origin lies on that host. A proxy may have changed the scheme."""
        usual = USUAL_PORTS.get(self.scheme)
        return self.host.name == host.name and (self.host.port or usual) == (host.port or usual)


def parse_address(name: str) -> Address | None:
    """A literal IP address, IPv4 inside IPv6 as IPv4; None for anything else."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@dataclass(frozen=True, slots=True)
class AllowedOrigins:
    """Other sites whose pages may call, by --cors-allow-origins and --cors-allow-origins-regex."""

    names: frozenset[str] = frozenset()
    regex: str | None = None

    @classmethod
    def of(cls, names: Iterable[str], regex: str | None = None) -> Self:
        """Of origins as people write them: in any case, with a slash at the end or without."""
        parsed = {name: Origin.parse(name) for name in names}
        return cls(frozenset(str(origin) if origin else name for name, origin in parsed.items()), regex)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.names) or self.regex is not None

    @property
    def are_all(self) -> bool:
        """Whether the owner allows every site."""
        return "*" in self.names

    def name(self, origin: str) -> bool:
        """Whether the owner named this origin, in other words than `*`."""
        parsed = Origin.parse(origin)
        plain = str(parsed) if parsed else origin
        return plain in self.names or (self.regex is not None and bool(re.fullmatch(self.regex, plain)))

    def name_host(self, host: Host) -> bool:
        """Whether some page of this host may call, whatever its scheme and port."""
        hosts = {origin.host.name for name in self.names if (origin := Origin.parse(name))}
        return host.name in hosts or any(self.name(str(Origin(scheme, host))) for scheme in USUAL_PORTS)


NO_ORIGINS = AllowedOrigins()


@dataclass(frozen=True, slots=True)
class HostRules:
    """Under which names a server without a login answers.

    Another web site can make its own name point at this machine (DNS rebinding) and is then, to the browser,
    the same site as we are. It can do so with names only, never with addresses, and not with names of ours.
    """

    names: frozenset[str] = frozenset()
    any_address: bool = False
    origins: AllowedOrigins = NO_ORIGINS

    @classmethod
    def of(cls, server_name: str | None, bound: str, origins: AllowedOrigins) -> Self:
        """For a server that listens at the address or name `bound`, which `server_name` may have chosen."""
        given = Host.parse(server_name or "") or Host.parse(f"[{server_name}]")
        listens = Host.parse(bound) or Host.parse(f"[{bound}]")
        open_to_others = listens is None or not listens.is_loopback
        names = {given.name} if given else set[str]()
        return cls(frozenset(names | (machine_names() if open_to_others else set())), open_to_others, origins)

    def allow(self, host: Host) -> bool:
        """Whether to answer."""
        if host.is_loopback or host.name in self.names:
            return True
        if host.address is not None and self.any_address:
            return True
        return self.origins.name_host(host)


LOOPBACK_ONLY = HostRules()


def machine_names() -> set[str]:
    """What other machines of a home network call this one."""
    name = socket.gethostname().lower().removesuffix(".")
    short = name.partition(".")[0]
    return {name, short, f"{short}.local"} if short else set()
