"""What a link offers: a title, and files to choose from. The same for every site."""

from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field

from webui.library.fetch.civitai import Civitai, Version, VersionFile, chosen_file
from webui.library.fetch.huggingface import HuggingFace, RepoFile
from webui.library.fetch.links import CivitaiLink, HuggingFaceLink, WebLink, parse_link
from webui.library.fetch.refusals import FetchRefused
from webui.library.fetch.web import Web

SAFE_SUFFIXES = (".safetensors", ".sft", ".gguf")


class OfferedFile(BaseModel):
    """A file that can be downloaded. `sha256` is what the site says it has."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    size: int | None
    format: str | None
    precision: str | None
    primary: bool
    sha256: str | None
    # For the server alone: it stands in no answer.
    url: str = Field(exclude=True)


class Offer(BaseModel):
    """What there is behind a link; `link` leads to it again."""

    model_config = ConfigDict(frozen=True)

    link: str
    site: str
    title: str
    files: tuple[OfferedFile, ...]
    # Of Civitai's versions.
    version: Version | None = None

    def file(self, identity: str | None) -> OfferedFile:
        """A file by its id, else the primary one. Raises FetchRefused."""
        found = next(
            (file for file in self.files if (file.id == identity if identity else file.primary)), None
        )
        if found is None:
            raise FetchRefused("gone", f"{self.title} has no such file any more.")
        return found


class Offers:
    """Asks the sites what is behind links. Any thread."""

    def __init__(self, web: Web, civitai: Civitai) -> None:
        self._web = web
        self._civitai = civitai
        self._huggingface = HuggingFace(web)

    def find(self, text: str) -> Offer:
        """What a link offers; asks its site. Raises FetchRefused."""
        link = parse_link(text, self._web.sites)
        match link:
            case CivitaiLink():
                return civitai_offer(self._civitai.version(link), link)
            case HuggingFaceLink():
                return self._huggingface_offer(link)
            case WebLink():
                file = OfferedFile(
                    id="0", name=link.name, size=None, format=None, precision=None, primary=True,
                    sha256=None, url=link.url,
                )  # fmt: skip
                return Offer(link=link.text, site=link.site, title=link.name, files=(file,))

    def _huggingface_offer(self, link: HuggingFaceLink) -> Offer:
        files = self._huggingface.files(link)
        first = max(files, key=lambda file: (file.path.endswith(SAFE_SUFFIXES), -file.path.count("/")))
        return Offer(
            link=link.text,
            site=link.site,
            title=link.repo,
            files=tuple(
                huggingface_file(file, self._huggingface.address(link, file.path), primary=file is first)
                for file in files
            ),
        )


def civitai_offer(version: Version, link: CivitaiLink) -> Offer:
    """A version as an offer; the file that the link means is the primary one."""
    chosen = chosen_file(version, link)
    files = tuple(civitai_file(file, primary=file is chosen) for file in version.files if file.url)
    exact = CivitaiLink(version.model_id or None, version.id, file_id=chosen.id or None)
    title = f"{version.model_name} {version.name}".strip()
    return Offer(link=exact.text, site=link.site, title=title, files=files, version=version)


def civitai_file(file: VersionFile, *, primary: bool) -> OfferedFile:
    """As an offer."""
    return OfferedFile(
        id=str(file.id),
        name=file.name,
        size=file.size,
        format=file.format,
        precision=file.precision,
        primary=primary,
        sha256=file.sha256,
        url=file.url,
    )


def huggingface_file(file: RepoFile, url: str, *, primary: bool) -> OfferedFile:
    """As an offer."""
    path = PurePosixPath(file.path)
    return OfferedFile(
        id=file.path,
        name=path.name,
        size=file.size,
        format=path.suffix.lstrip("."),
        precision=None,
        primary=primary,
        sha256=file.sha256,
        url=url,
    )
