"""Hugging Face's API: the model files of a repository, with sizes and hashes."""

from typing import Any, NamedTuple, cast
from urllib.parse import quote

from webui.library.fetch.civitai import objects, text_of, whole_number
from webui.library.fetch.links import MODEL_SUFFIXES, HuggingFaceLink
from webui.library.fetch.refusals import FetchRefused
from webui.library.fetch.web import Web

# Parts of large models that are no use alone.
SHARD = "-of-0"


class RepoFile(NamedTuple):
    """A file of a repository: its path there, bytes, and SHA-256 where the site keeps it as a large file."""

    path: str
    size: int | None
    sha256: str | None


class HuggingFace:
    """The site's API. Every call asks the site; raises FetchRefused."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def files(self, link: HuggingFaceLink) -> list[RepoFile]:
        """The file that a link means, or every model file of its folder or repository."""
        files = self.all_files(link)
        if link.path and not link.path.endswith("/"):
            found = [file for file in files if file.path == link.path]
        else:
            found = [file for file in files if file.path.startswith(link.path) and is_model(file.path)]
        if not found:
            raise FetchRefused("gone", f"There is no model file at {link.repo}/{link.path}. Check the link.")
        return found

    def all_files(self, link: HuggingFaceLink) -> list[RepoFile]:
        """Every file of a link's repository, whatever it is for."""
        revision = quote(link.revision, safe="")
        url = f"{self._web.sites.huggingface}/api/models/{link.repo}/revision/{revision}"
        answer = self._web.json(url, {"blobs": "true"})
        # Any: JSON values
        document = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
        return [repo_file(entry) for entry in objects(document.get("siblings"))]

    def address(self, link: HuggingFaceLink, path: str) -> str:
        """Where a file is downloaded."""
        revision = quote(link.revision, safe="")
        return f"{self._web.sites.huggingface}/{link.repo}/resolve/{revision}/{quote(path)}"


def is_model(path: str) -> bool:
    """Whether a file may be a whole model."""
    return path.lower().endswith(MODEL_SUFFIXES) and SHARD not in path


def repo_file(entry: dict[str, Any]) -> RepoFile:
    """A file of the API. Any: JSON values."""
    large = entry.get("lfs")
    about = cast("dict[str, Any]", large) if isinstance(large, dict) else {}
    digest = text_of(about, "sha256") or text_of(about, "oid")
    return RepoFile(
        text_of(entry, "rfilename"),
        whole_number(entry.get("size")) or None,
        digest.lower() if len(digest) == 64 else None,
    )
