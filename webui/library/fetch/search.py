"""Searching Civitai: what may be asked, and what of the answers is shown."""

from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field

from webui.library.fetch.civitai import (
    MAX_PAGE,
    Civitai,
    Version,
    objects,
    preview_address,
    text_of,
    version_of,
    whole_number,
)
from webui.library.fetch.links import CivitaiLink
from webui.library.fetch.refusals import FetchRefused


class Search(BaseModel):
    """What is looked for. The words of types, base models, orders and periods are the site's (its enums)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = Field("", max_length=300)
    types: tuple[str, ...] = Field((), max_length=30)
    base_models: tuple[str, ...] = Field((), max_length=60)
    tag: str = Field("", max_length=100)
    username: str = Field("", max_length=100)
    sort: str = Field("", max_length=50)
    period: str = Field("", max_length=50)
    nsfw: bool = False
    early_access: bool = False
    limit: int = Field(24, ge=1, le=MAX_PAGE)
    cursor: str = Field("", max_length=500)


class Found(BaseModel):
    """A model that was found, with its newest version; `link` fetches it."""

    model_config = ConfigDict(frozen=True)

    model_id: int
    version_id: int
    name: str
    version: str
    type: str
    base_model: str
    creator: str
    preview: str | None
    nsfw: bool
    downloads: int
    likes: int
    link: str
    size: int | None
    sha256: tuple[str, ...]
    early_access_until: str | None


def search(civitai: Civitai, wanted: Search) -> tuple[list[Found], str | None]:
    """Models that match, and what to ask for the next ones."""
    items, cursor = civitai.search(parameters(wanted))
    return [found for item in items if (found := found_model(item)) is not None], cursor


def parameters(wanted: Search) -> dict[str, str | int | bool | list[str]]:
    """As the site's API names them; what is empty is left out."""
    named: dict[str, str | list[str]] = {
        "query": wanted.query.strip(),
        "types": list(wanted.types),
        "baseModels": list(wanted.base_models),
        "tag": wanted.tag.strip(),
        "username": wanted.username.strip(),
        "sort": wanted.sort,
        "period": wanted.period,
        "cursor": wanted.cursor,
    }
    given: dict[str, str | int | bool | list[str]] = {key: value for key, value in named.items() if value}
    if wanted.early_access:
        given["earlyAccess"] = "true"
    return given | {"limit": wanted.limit, "nsfw": "true" if wanted.nsfw else "false"}


def found_model(item: dict[str, Any]) -> Found | None:
    """A model of the answer, None if there is nothing to fetch. Any: JSON values."""
    version = newest(item)
    if version is None:
        return None
    creator, stats = item.get("creator"), item.get("stats")
    counts = cast("dict[str, Any]", stats) if isinstance(stats, dict) else {}
    file = next((file for file in version.files if file.primary), version.files[0])
    return Found(
        model_id=version.model_id,
        version_id=version.id,
        name=version.model_name,
        version=version.name,
        type=version.type,
        base_model=version.base_model,
        creator=text_of(cast("dict[str, Any]", creator), "username") if isinstance(creator, dict) else "",
        preview=preview_address(version.images[0]) if version.images else None,
        nsfw=item.get("nsfw") is True,
        downloads=whole_number(counts.get("downloadCount")),
        likes=whole_number(counts.get("thumbsUpCount")),
        link=CivitaiLink(version.model_id, version.id).text,
        size=file.size,
        sha256=tuple(file.sha256 for file in version.files if file.sha256),
        early_access_until=version.early_access_until,
    )


def newest(item: dict[str, Any]) -> Version | None:
    """The newest version that has a file. Any: JSON values."""
    for entry in objects(item.get("modelVersions")):
        try:
            version = version_of(entry, item)
        except FetchRefused:
            continue
        if version.files:
            return version
    return None
