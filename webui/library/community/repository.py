"""Addresses, branches and commits of repositories. All of them are written by strangers."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

from webui.core.errors import InvalidRequest
from webui.store.files.safe_names import DEVICES

MOST_CHARACTERS = 500
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?")
SEGMENT = re.compile(r"[A-Za-z0-9._~+@-]{1,120}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
SSH = re.compile(r"(ssh://|git\+ssh://|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:)", re.IGNORECASE)
COMMIT = re.compile(r"[0-9a-f]{7,64}")
WHOLE_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
# What git itself forbids in a name of a branch (git-check-ref-format), and what could be read as an option.
NOT_IN_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.lock(/|$)|(^|/)\.|[./]$|^[-/]|^@$")
# Sites whose pages show a repository at `owner/name` and a branch or a commit below it.
PAGES = ("github.com", "gitlab.com", "gitee.com", "codeberg.org")
EXAMPLE = "such as https://github.com/owner/name"


@dataclass(frozen=True, slots=True)
class RepositoryAddress:
    """Where a repository lies, and which state is meant: of a branch (None: its usual one) or a commit."""

    url: str
    branch: str | None = None
    commit: str | None = None

    @classmethod
    def read(cls, url: str, branch: str = "", commit: str = "") -> Self:
        """What somebody typed. An address of a page on GitHub may name the branch or the commit itself.

        Raises InvalidRequest.
        """
        plain, page_branch, page_commit = split_page(read_url(url))
        branch, commit = branch.strip() or page_branch, commit.strip().lower() or page_commit
        if branch:
            check_branch(branch)
        if commit and not COMMIT.fullmatch(commit):
            raise InvalidRequest(
                "This is no commit: one has 7 to 40 digits and letters from a to f. Copy it from the "
                "repository's page, or leave the field empty."
            )
        return cls(plain, branch or None, commit or None)

    @property
    def name(self) -> str:
        """The name of the folder it gets. Raises InvalidRequest."""
        name = self.url.rsplit("/", 1)[-1].removesuffix(".git")
        check_name(name)
        return name

    @property
    def is_loopback(self) -> bool:
        """Whether it lies on this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")

    @property
    def key(self) -> str:
        """The same for all spellings of one address."""
        return key_of(self.url)


def key_of(url: str) -> str:
    """The same text for all spellings of one repository's address, whatever was written."""
    lower = url.strip().lower().rstrip("/").removesuffix(".git")
    return lower.split("://", 1)[-1].removeprefix("www.")


def read_url(text: str) -> SplitResult:
    """The parts of an address that may be asked. Raises InvalidRequest."""
    url = text.strip()
    if not url or len(url) > MOST_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidRequest(f"This is no address of a repository. Give one {EXAMPLE}.")
    if SSH.match(url):
        raise InvalidRequest(
            f"SSH is not used here: it would use your keys. Give the https address, {EXAMPLE}."
        )
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise InvalidRequest(f"This address makes no sense. Give one {EXAMPLE}.") from error
    check_scheme(parts.scheme.lower(), host)
    if "@" in parts.netloc:
        raise InvalidRequest(
            "The address has a name or a password in it, which would be kept. Leave them out."
        )
    if not is_host(host) or port == 0 or parts.netloc.endswith(":") or "//" in parts.path:
        raise InvalidRequest(f"The address names no host. Give one {EXAMPLE}.")
    if parts.query or parts.fragment or not parts.path.strip("/"):
        raise InvalidRequest(f"The address must end with the repository's path, {EXAMPLE}.")
    segments = parts.path.strip("/").split("/")
    if any(not SEGMENT.fullmatch(each) or each in (".", "..") for each in segments):
        raise InvalidRequest(f"The path of the address has characters that none has. Give one {EXAMPLE}.")
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port is None else f"{shown}:{port}"
    return SplitResult(parts.scheme.lower(), netloc, "/" + "/".join(segments), "", "")


def check_scheme(scheme: str, host: str) -> None:
    """Raise InvalidRequest for what is neither https nor on this machine."""
    if scheme == "https" or (scheme == "http" and is_loopback(host)):
        return
    if scheme == "http":
        raise InvalidRequest(
            "Without encryption others could change the code on its way. Give an https address."
        )
    raise InvalidRequest(f"Repositories are fetched by https alone. Give an address {EXAMPLE}.")


def is_host(host: str) -> bool:
    """Whether a text can be a host: a name or an address."""
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return False
        return True
    return HOST.fullmatch(host) is not None and ".." not in host


def is_loopback(host: str) -> bool:
    """Whether a host can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def split_page(parts: SplitResult) -> tuple[str, str, str]:
    """An address, and the branch and the commit that a page's address on a known site names (else "")."""
    segments = parts.path.strip("/").split("/")
    branch = commit = ""
    if parts.netloc in PAGES and len(segments) > 3:
        below = [each for each in segments[2:] if each != "-"]
        if below[0] in ("tree", "commit") and len(below) > 1:
            rest = "/".join(below[1:])
            branch, commit = (rest, "") if below[0] == "tree" else ("", rest.lower())
            segments = segments[:2]
    return f"{parts.scheme}://{parts.netloc}/{'/'.join(segments)}", branch, commit


def check_branch(branch: str) -> None:
    """Raise InvalidRequest for what cannot be the name of a branch."""
    if len(branch) > 200 or not branch.isprintable() or NOT_IN_BRANCH.search(branch):
        raise InvalidRequest(
            "No branch can have this name. Copy it from the repository's page, or leave it empty."
        )


def is_folder_name(name: str) -> bool:
    """Whether a text can be the name of an extension's folder: one plain part of a path, not hidden."""
    is_plain = NAME.fullmatch(name) is not None and not name.endswith(".")
    return is_plain and name.split(".")[0].lower() not in DEVICES


def check_name(name: str) -> None:
    """Raise InvalidRequest for what cannot be the name of an extension's folder."""
    if not is_folder_name(name):
        raise InvalidRequest(
            f"{name[:80]!r} cannot be the name of a folder. It must have letters, digits, dots, dashes and "
            "underscores only, and begin with a letter or a digit."
        )
