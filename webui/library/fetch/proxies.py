"""The proxy that a network makes its people use, as the environment names it."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from webui.library.fetch.refusals import FetchRefused

# Names that only a company's or a home's own name server knows; a proxy may know them too.
INNER_ENDS = frozenset(
    {
        "arpa",
        "corp",
        "home",
        "internal",
        "intranet",
        "invalid",
        "lan",
        "local",
        "localdomain",
        "localhost",
        "private",
        "test",
    }
)
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy is; `login` is the name and password that stood in its address."""

    scheme: str
    host: str
    port: int
    login: tuple[str, str] | None = None

    @property
    def url(self) -> str:
        """Its address without the login."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Proxies:
    """Addresses of proxies by the scheme of what is asked, and the hosts that are asked without."""

    by_scheme: Mapping[str, str]
    direct: tuple[str, ...] = ()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Proxies":
        """As HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say; names in small letters come first."""

        def value(name: str) -> str:
            return (environment.get(name.lower()) or environment.get(name) or "").strip()

        everything = value("ALL_PROXY")
        found = {scheme: value(f"{scheme.upper()}_PROXY") or everything for scheme in DEFAULT_PORTS}
        direct = value("NO_PROXY").replace(",", " ").split()
        return cls(
            {scheme: address for scheme, address in found.items() if address},
            tuple(entry.lower() for entry in direct),
        )

    def find(self, scheme: str, host: str, port: int) -> Proxy | None:
        """The proxy to ask for a host, None to connect to it. Raises FetchRefused for one of no use."""
        address = self.by_scheme.get(scheme)
        if not address or any(is_meant(entry, host.lower(), port) for entry in self.direct):
            return None
        return read_proxy(address)


def is_meant(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY means a host: a name, a domain above it, an address, a network, "*"."""
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        pass
    name, separator, wanted = entry.rpartition(":")
    if separator and wanted.isdigit():
        if int(wanted) != port:
            return False
        entry = name
    entry = entry.removeprefix("*").lstrip(".")
    return bool(entry) and (host == entry or host.endswith(f".{entry}"))


def read_proxy(address: str) -> Proxy:
    """An address as the environment gives it, which may lack "http://"."""
    parts = urlsplit(address if "://" in address else f"http://{address}")
    try:
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0
    if not port or not parts.hostname or parts.scheme not in DEFAULT_PORTS:
        # The address itself may hold a password, so it is not repeated.
        raise FetchRefused(
            "no connection",
            "The proxy that HTTPS_PROXY or HTTP_PROXY names cannot be used: only http:// and https:// "
            "proxies can. Correct the variable and start the server again.",
        )
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return Proxy(parts.scheme, parts.hostname, port, login)


def is_name_of_the_internet(host: str) -> bool:
    """Whether a name that cannot be resolved here may be one that only the proxy can resolve.

    Names of one word, names that end as those of inner networks, and numbers are none.
    """
    labels = host.lower().rstrip(".").split(".")
    last = labels[-1]
    is_word = last.startswith("xn--") or (last.isalpha() and len(last) > 1)
    return len(labels) > 1 and is_word and last not in INNER_ENDS
