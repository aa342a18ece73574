"""Who may bring code to this server: its owner on the machine itself, or somebody who logged in."""

import base64
import ipaddress

from fastapi import Request

from webui.api.access import GuardRules
from webui.api.caller import Caller
from webui.core.errors import NotAllowed
from webui.core.flags import Flags

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
WANTS_LOGIN = (
    "Extensions are programs, so they are installed only on the machine itself, or after a login. {why} "
    "Start the server with --gradio-auth name:password to install from here, or open the page at "
    "http://127.0.0.1 on the machine, with a server that was started without --listen."
)


def explain_refusal(request: Request, flags: Flags) -> str:
    """Why whoever asks may not change which code runs here: a sentence; "" if they may."""
    rules = GuardRules.of(flags)
    if rules.page_accounts or (flags.nowebui and rules.api_accounts):
        # The guard let them in, so they have a login.
        return ""
    why = find_opening(request, rules, flags)
    return WANTS_LOGIN.format(why=why) if why else ""


def find_opening(request: Request, rules: GuardRules, flags: Flags) -> str:
    """By which way others reach this server without a login; "" if none is known."""
    if not is_loopback(flags.host):
        return "This server answers other machines, and asks nobody for a password."
    if rules.origins.are_all:
        return "--cors-allow-origins=* lets every web site use this server."
    caller = Caller.of(request.scope, rules)
    if any(request.headers.get(name) for name in FORWARDED) or not all(
        each.is_loopback for each in caller.hosts
    ):
        return "This request came through another machine or a proxy."
    return ""


def is_loopback(host: str) -> bool:
    """Whether an address to answer at is this machine's alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def require_owner(request: Request, flags: Flags) -> None:
    """Raise NotAllowed for whoever may not change which code runs here."""
    if sentence := explain_refusal(request, flags):
        raise NotAllowed(sentence)


def name_person(request: Request) -> str:
    """Who asks, for the log: the name of a login, else where the request came from."""
    name_page_user = getattr(request.app.state, "name_page_user", None)
    name = name_page_user(request.cookies) if name_page_user else ""
    name = name or basic_name(request.headers.get("authorization", ""))
    address = request.client.host if request.client else "this machine"
    return (f"{name} at {address}" if name else address)[:200]


def basic_name(authorization: str) -> str:
    """The name in an Authorization header that the guard accepted; "" without one."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode(errors="replace").partition(":")[0]
    except ValueError:
        return ""
