"""What a pasted or dropped link means: pages, versions, files, hashes, AIR names. Asks nobody."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlencode, urlsplit

from webui.library.fetch.refusals import FetchRefused
from webui.library.fetch.sites import CIVITAI, HUGGINGFACE, Sites

MAX_LINK = 4000
# urn:air:{ecosystem}:{type}:{source}:{id}@{version}, where most parts may be left out.
AIR = re.compile(
    r"(?:urn:)?(?:air:)?(?:(?P<ecosystem>[\w.-]+):)?(?:(?P<type>[\w-]+):)?(?P<source>civitai|huggingface)"
    r":(?P<id>[^@\s]+?)(?:@(?P<version>[^\s:+.]+))?(?:[+:](?P<file>\d+))?(?:\.(?P<format>\w+))?",
    re.IGNORECASE,
)
HASH = re.compile(r"(?:hash:|sha256:|autov[123]:)?([0-9a-fA-F]{8,64})", re.IGNORECASE)
HASH_LENGTHS = (8, 10, 12, 64)
CIVITAI_MODEL = re.compile(r"/(?:api/v1/)?models/(\d+)(?:/.*)?")
CIVITAI_VERSION = re.compile(r"/(?:api/v1/|api/download/)?(?:model-versions|models)/(\d+)/?")
CIVITAI_BY_HASH = re.compile(r"/api/v1/model-versions/by-hash/([0-9a-fA-F]{8,64})/?")
REPO = r"/(?:api/models/)?([\w.-]+/[\w.-]+)"
HF_FILE = re.compile(REPO + r"/(?:blob|resolve|raw)/([^/]+)/(.+)")
HF_TREE = re.compile(REPO + r"(?:/tree/([^/]+)(?:/(.+))?)?/?")
# Pages of Hugging Face that look like repositories and are none.
NOT_REPOS = frozenset(
    {"datasets", "spaces", "docs", "blog", "settings", "papers", "collections", "login", "join"}
)
MODEL_SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".zip")
# What chooses between the files of a version in a download address.
FILE_CHOICES = ("type", "format", "size", "fp")


@dataclass(frozen=True, slots=True)
class CivitaiLink:
    """A version, or a model's newest, or whatever has a hash; `choices` narrow its files."""

    model_id: int | None = None
    version_id: int | None = None
    hash: str | None = None
    file_id: int | None = None
    choices: tuple[tuple[str, str], ...] = ()
    site = CIVITAI

    @property
    def text(self) -> str:
        """The link as it is kept."""
        if self.hash:
            return f"hash:{self.hash}"
        version = f"@{self.version_id}" if self.version_id else ""
        file = f"+{self.file_id}" if self.file_id else ""
        choices = f"?{urlencode(self.choices)}" if self.choices else ""
        return f"civitai:{self.model_id or 0}{version}{file}{choices}"


@dataclass(frozen=True, slots=True)
class HuggingFaceLink:
    """A file of a repository, or the repository, or a folder in it where `path` ends in a slash."""

    repo: str
    revision: str = "main"
    path: str = ""
    site = HUGGINGFACE

    @property
    def text(self) -> str:
        """The link as it is kept."""
        kind = "resolve" if self.path and not self.path.endswith("/") else "tree"
        return f"https://huggingface.co/{self.repo}/{kind}/{quote(self.revision, safe='')}/{quote(self.path)}"


@dataclass(frozen=True, slots=True)
class WebLink:
    """A file anywhere else."""

    url: str
    site = "web"

    @property
    def text(self) -> str:
        """The link as it is kept."""
        return self.url

    @property
    def name(self) -> str:
        """The file's name in the address."""
        return unquote(PurePosixPath(urlsplit(self.url).path).name)


Link = CivitaiLink | HuggingFaceLink | WebLink


def parse_link(text: str, sites: Sites) -> Link:
    """What somebody pasted or dropped. Raises FetchRefused with what can be given."""
    words = text.strip().strip("<>\"'").split()
    if not words or len(words) > 1 or len(text) > MAX_LINK:
        raise not_understood()
    word = words[0]
    if word.startswith(("civitai.com/", "www.civitai.com/", "huggingface.co/", "hf.co/")):
        word = f"https://{word}"
    if word.lower().startswith(("http://", "https://")):
        return parse_url(word, sites)
    if match := HASH.fullmatch(word):
        if len(match[1]) not in HASH_LENGTHS:
            raise not_understood()
        return CivitaiLink(hash=match[1].lower())
    address, _, query = word.partition("?")
    if match := AIR.fullmatch(address):
        return from_air(match, choices_of(query))
    raise not_understood()


def from_air(match: re.Match[str], choices: tuple[tuple[str, str], ...]) -> Link:
    """An AIR name (Civitai's naming of AI resources)."""
    if match["source"].lower() == "huggingface":
        owner, _, rest = match["id"].partition("/")
        repo, _, path = rest.partition("/")
        if not repo:
            raise not_understood()
        # A dot in a file's name was taken for the format.
        path += f".{match['format']}" if match["format"] and path else ""
        return HuggingFaceLink(f"{owner}/{repo}", match["version"] or "main", path)
    if not match["id"].isdigit() or not (match["version"] or "0").isdigit():
        raise not_understood()
    return CivitaiLink(
        model_id=number(match["id"]),
        version_id=number(match["version"]),
        file_id=number(match["file"]),
        choices=choices,
    )


def parse_url(url: str, sites: Sites) -> Link:
    """An address of a page or a file."""
    try:
        parts, site = urlsplit(url), sites.site_of(url)
        trusted = f"{parts.hostname}:{parts.port}" in sites.trusted
    except ValueError as error:
        raise not_understood() from error
    if site == CIVITAI:
        return parse_civitai(parts.path, parts.query)
    if site == HUGGINGFACE:
        return parse_huggingface(parts.path)
    if parts.username or parts.password or not (parts.scheme == "https" or trusted):
        raise FetchRefused(
            "not a link", "Only https links without a password in them are fetched. Give the file's own."
        )
    if not parts.path.lower().endswith(MODEL_SUFFIXES):
        raise FetchRefused(
            "not a link",
            "This link is no model file. Give a page of Civitai or Hugging Face, or a link that ends in "
            ".safetensors.",
        )
    return WebLink(url)


def parse_civitai(path: str, query: str) -> CivitaiLink:
    """Model pages, versions, download and API addresses."""
    choices = choices_of(query)
    if match := CIVITAI_BY_HASH.fullmatch(path):
        return CivitaiLink(hash=match[1].lower())
    if "/download/" in path or "model-versions" in path:
        if match := CIVITAI_VERSION.fullmatch(path):
            return CivitaiLink(version_id=int(match[1]), choices=choices)
        raise not_understood()
    if match := CIVITAI_MODEL.fullmatch(path):
        version = parse_qs(query).get("modelVersionId", [""])[0]
        return CivitaiLink(model_id=int(match[1]), version_id=number(version))
    raise FetchRefused(
        "not a link", "This page of Civitai is not a model's. Give the link of the model or of its download."
    )


def parse_huggingface(path: str) -> HuggingFaceLink:
    """Files and repositories. A slash in the name of a branch stands in the path as %2F."""
    if path.split("/")[1:2] and path.split("/")[1] in NOT_REPOS:
        raise FetchRefused("not a link", "This page of Hugging Face is not a model's. Give the model's page.")
    if match := HF_FILE.fullmatch(path):
        return HuggingFaceLink(match[1], unquote(match[2]), unquote(match[3]).lstrip("/"))
    if match := HF_TREE.fullmatch(path):
        folder = f"{unquote(match[3]).strip('/')}/" if match[3] else ""
        return HuggingFaceLink(match[1], unquote(match[2] or "main"), folder)
    raise not_understood()


def choices_of(query: str) -> tuple[tuple[str, str], ...]:
    """What a query says about the file wanted; keys in it are dropped."""
    return tuple((name, value) for name, value in parse_qsl(query) if name in FILE_CHOICES)


def number(text: str | None) -> int | None:
    """A positive number, None for anything else."""
    return int(text) or None if text and text.isdigit() and len(text) < 16 else None


def not_understood() -> FetchRefused:
    """What can be given."""
    return FetchRefused(
        "not a link",
        "This is no link that is understood. Give the page of a model on Civitai or Hugging Face, a download "
        "link, an AIR name or a hash.",
    )
