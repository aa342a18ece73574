"""What the owner of the server allows: accounts, names of the server, other sites' pages."""

import base64
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from webui.api.hosts import LOOPBACK_ONLY, NO_ORIGINS, AllowedOrigins, HostRules
from webui.core.flags import Accounts, Flags


@dataclass(frozen=True, slots=True)
class GuardRules:
    """Accounts for the page and for the API (none: open), names of this server, and other sites' pages.

    `behind_proxy`: a proxy tells in X-Forwarded-Host what the browser asked for.
    """

    page_accounts: Accounts = ()
    api_accounts: Accounts = ()
    origins: AllowedOrigins = NO_ORIGINS
    hosts: HostRules = LOOPBACK_ONLY
    behind_proxy: bool = False

    @classmethod
    def of(cls, flags: Flags) -> Self:
        """As the owner asked for at the start. Raises WrongFlag."""
        origins = AllowedOrigins.of(flags.cors_origins, flags.cors_allow_origins_regex)
        return cls(
            page_accounts=flags.page_accounts(),
            api_accounts=flags.api_accounts(),
            origins=origins,
            hosts=HostRules.of(flags.server_name, flags.host, origins),
            behind_proxy=bool(flags.subpath),
        )

    @property
    def accounts(self) -> Accounts:
        """Who may use the API: its own accounts, else those of the page."""
        return self.api_accounts or self.page_accounts


def knows_account(credentials: Iterable[bytes], authorization: str) -> bool:
    """Whether an Authorization header holds one of these `name:password`.

    Takes as long whoever is named and however much of the password is right.
    """
    scheme, _, encoded = authorization.partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True)
    except ValueError:
        return False
    matches = [hmac.compare_digest(given, expected) for expected in credentials]
    return scheme.lower() == "basic" and any(matches)


def credentials_of(accounts: Accounts) -> frozenset[bytes]:
    """`name:password` of every account, in UTF-8 and, as older programs send it, in Latin-1."""
    texts = [f"{name}:{password}" for name, password in accounts]
    latin = {text.encode("latin-1") for text in texts if all(ord(character) < 256 for character in text)}
    return frozenset({text.encode(errors="surrogatepass") for text in texts} | latin)


def describe_access(flags: Flags) -> list[str]:
    """Sentences for the log about who may use the server, where that could surprise its owner."""
    rules = GuardRules.of(flags)
    remarks: list[str] = []
    if rules.page_accounts and not rules.api_accounts:
        remarks.append(
            "The API takes the accounts of --gradio-auth; --api-auth gives it accounts of its own."
        )
    if rules.api_accounts and not rules.page_accounts and not flags.nowebui:
        remarks.append(
            "The page asks for no password: --api-auth guards the API alone, --gradio-auth the page."
        )
    if rules.hosts.any_address and not rules.accounts:
        remarks.append(
            "Everybody who reaches this machine may use the server; --gradio-auth asks for a password."
        )
    if rules.origins.are_all:
        remarks.append("--cors-allow-origins=* lets every web site that somebody here visits use the server.")
    return remarks
