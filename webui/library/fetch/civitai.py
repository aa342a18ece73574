"""Civitai's API (developer.civitai.com, August 2026): what is asked, and what of the answers is used."""

from typing import Any, cast

from pydantic import BaseModel, ConfigDict

from webui.library.fetch.links import CivitaiLink
from webui.library.fetch.refusals import FetchRefused
from webui.library.fetch.web import Web

API = "/api/v1"
MAX_HASHES = 100
MAX_PAGE = 100
# Bits of Civitai's ratings; the first is for everybody.
MILD = 1
PREVIEW_WIDTH = 450
Json = dict[str, Any]  # Any: JSON values


class VersionFile(BaseModel):
    """A file of a version. `size` in bytes, as near as the site tells."""

    model_config = ConfigDict(frozen=True)

    id: int
    name: str
    type: str
    size: int | None
    format: str | None
    precision: str | None
    pruning: str | None
    primary: bool
    sha256: str | None
    hashes: tuple[str, ...]
    url: str


class Version(BaseModel):
    """A version of a model. `images` are addresses, those for everybody first."""

    model_config = ConfigDict(frozen=True)

    id: int
    model_id: int
    name: str
    model_name: str
    type: str
    base_model: str
    trained_words: tuple[str, ...]
    description: str
    images: tuple[str, ...]
    files: tuple[VersionFile, ...]
    early_access_until: str | None
    # As the site writes times (ISO 8601).
    published: str | None = None


class Civitai:
    """The site's API. Every call asks the site; raises FetchRefused."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._base = web.sites.civitai + API

    def version(self, link: CivitaiLink) -> Version:
        """The version a link means: itself, the one that has the hash, or the model's newest."""
        if link.hash:
            return self.by_hash(link.hash)
        if link.version_id:
            return version_of(self._object(f"/model-versions/{link.version_id}"))
        return self.versions(link.model_id or 0)[0]

    def by_hash(self, digest: str) -> Version:
        """The version with a file of that hash: AutoV1, V2, V3 or SHA-256."""
        return version_of(self._object(f"/model-versions/by-hash/{digest}"))

    def by_hashes(self, digests: list[str]) -> dict[str, Version]:
        """Versions by the SHA-256 of their files, for as many as the site knows; a hundred to a request."""
        found: dict[str, Version] = {}
        for start in range(0, len(digests), MAX_HASHES):
            chunk = digests[start : start + MAX_HASHES]
            for entry in objects(self._web.json(f"{self._base}/model-versions/by-hash", body=chunk)):
                version = version_of(entry)
                found |= {file.sha256: version for file in version.files if file.sha256 in chunk}
        return found

    def versions(self, model_id: int) -> list[Version]:
        """All versions of a model, newest first."""
        model = self._object(f"/models/{model_id}")
        mode = model.get("mode")
        versions = [version_of(entry, model) for entry in objects(model.get("modelVersions"))]
        if mode == "TakenDown" or not versions:
            raise FetchRefused("gone", "Civitai has taken this model down.")
        return versions

    def search(self, params: dict[str, str | int | bool | list[str]]) -> tuple[list[Json], str | None]:
        """Models that match, as the site tells of them, and what to ask for the next ones."""
        answer = self._web.json(f"{self._base}/models", params)
        document = cast("Json", answer) if isinstance(answer, dict) else {}
        metadata = document.get("metadata")
        cursor = cast("Json", metadata).get("nextCursor") if isinstance(metadata, dict) else None
        return objects(document.get("items")), str(cursor) if cursor else None

    def enums(self) -> Json:
        """The words the site has for types, base models and so on."""
        return self._object("/enums")

    def _object(self, path: str) -> Json:
        answer = self._web.json(self._base + path)
        if not isinstance(answer, dict):
            raise FetchRefused("unexpected", "Civitai answered with something else than asked.")
        return cast("Json", answer)


def objects(value: object) -> list[Json]:
    """The objects in a list; nothing of anything else."""
    if not isinstance(value, list):
        return []
    entries = cast("list[object]", value)
    return [cast("Json", entry) for entry in entries if isinstance(entry, dict)]


def text_of(document: Json, key: str) -> str:
    """A text, empty where there is none."""
    value = document.get(key)
    return value if isinstance(value, str) else ""


def whole_number(value: object) -> int:
    """A whole number, 0 where there is none."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


def version_of(document: Json, model: Json | None = None) -> Version:
    """A version of the API; `model` is what it stood in, where it did."""
    inner = document.get("model")
    about = model or (cast("Json", inner) if isinstance(inner, dict) else {})
    if not whole_number(document.get("id")):
        raise FetchRefused("unexpected", "Civitai answered with something else than asked.")
    words = document.get("trainedWords")
    base_id = whole_number(document["id"])
    return Version(
        id=base_id,
        model_id=whole_number(document.get("modelId")) or whole_number(about.get("id")),
        name=text_of(document, "name"),
        model_name=text_of(about, "name"),
        type=text_of(about, "type"),
        base_model=text_of(document, "baseModel"),
        trained_words=tuple(
            word.strip(" ,") for word in cast("list[object]", words or []) if isinstance(word, str)
        ),
        description=text_of(document, "description"),
        images=images_of(document),
        files=tuple(file_of(entry) for entry in objects(document.get("files"))),
        early_access_until=text_of(document, "earlyAccessEndsAt") or None,
        published=text_of(document, "publishedAt") or text_of(document, "createdAt") or None,
    )


def images_of(document: Json) -> tuple[str, ...]:
    """Addresses of the example pictures, no videos, the mildest first."""
    pictures = [image for image in objects(document.get("images")) if image.get("type", "image") == "image"]
    pictures.sort(key=lambda image: max(whole_number(image.get("nsfwLevel")), MILD))
    addresses = (text_of(image, "url") for image in pictures)
    return tuple(address for address in addresses if address.startswith(("https://", "http://")))


def file_of(document: Json) -> VersionFile:
    """A file of the API."""
    metadata = document.get("metadata")
    about = cast("Json", metadata) if isinstance(metadata, dict) else {}
    hashes = document.get("hashes")
    digests = cast("Json", hashes) if isinstance(hashes, dict) else {}
    size = document.get("sizeKB")
    return VersionFile(
        id=whole_number(document.get("id")),
        name=text_of(document, "name"),
        type=text_of(document, "type"),
        size=round(size * 1024) if isinstance(size, int | float) else None,
        format=text_of(about, "format") or None,
        precision=text_of(about, "fp") or None,
        pruning=text_of(about, "size") or None,
        primary=document.get("primary") is True,
        sha256=text_of(digests, "SHA256").lower() or None,
        hashes=tuple(digest.lower() for digest in digests.values() if isinstance(digest, str)),
        url=text_of(document, "downloadUrl"),
    )


def chosen_file(version: Version, link: CivitaiLink, file_id: str | None = None) -> VersionFile:
    """The file a link means: by id, by hash, by the words of a download address, else the primary one."""
    files = [file for file in version.files if file.url]
    if not files:
        raise FetchRefused("gone", "Civitai offers no file of this version.")
    wanted = file_id or (str(link.file_id) if link.file_id else None)
    if wanted:
        found = next((file for file in files if str(file.id) == wanted), None)
        if found is None:
            raise FetchRefused("gone", "This version has no such file any more.")
        return found
    if link.hash:
        return next((file for file in files if has_hash(file, link.hash)), files[0])
    fitting = [file for file in files if fits(file, dict(link.choices))] or files
    # Old model files can hold program code; of two equals the safe format is taken.
    return max(fitting, key=lambda file: (file.primary, file.format == "SafeTensor"))


def has_hash(file: VersionFile, digest: str) -> bool:
    """Whether one of a file's hashes begins so."""
    return any(known.startswith(digest) for known in file.hashes)


def fits(file: VersionFile, choices: dict[str, str]) -> bool:
    """Whether a file is what the words of a download address ask for."""
    have = {"type": file.type, "format": file.format, "size": file.pruning, "fp": file.precision}
    return all((have.get(name) or "").lower() == value.lower() for name, value in choices.items())


def preview_address(image: str) -> str:
    """The address of a picture at the width of a card."""
    head, _, name = image.rpartition("/")
    base, _, size = head.rpartition("/")
    if size.startswith(("width=", "original=", "anim=")):
        return f"{base}/width={PREVIEW_WIDTH}/{name}"
    return image
