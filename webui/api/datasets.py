"""/v1/datasets: pictures and captions to train on, looked at, edited and checked before a run."""

from collections.abc import Iterable
from typing import Annotated, Literal

from fastapi import APIRouter, File, Query, Response, UploadFile
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, Field

from webui.core.readable import readable
from webui.jobs.services import Services
from webui.store.pictures.served_pictures import open_served
from webui.training.data.caption_edits import Action, CaptionEdit
from webui.training.data.dataset import DEFAULT_RESOLUTION, Example, Skipped
from webui.training.data.desk import DataSetDetail, DataSetSummary, Desk

Resolution = Annotated[int, Query(ge=64, le=4096)]
Caption = Annotated[str, Field(max_length=100_000)]
FileName = Annotated[str, Field(max_length=4000)]
SMALL_PICTURE = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}


class NewDataSet(BaseModel):
    """A data set to make: empty, or a folder that is there already."""

    name: str = Field(max_length=1000)
    folder: str | None = Field(None, max_length=4000)


class DataSetAnswer(BaseModel):
    """A data set in a list; `captioned` counts pictures with a caption file."""

    name: str
    pictures: int
    captioned: int
    folder: str


class DataSetList(BaseModel):
    """All data sets by name."""

    datasets: list[DataSetAnswer]


class SkippedFile(BaseModel):
    """A file that is not used; `why` is the end of a sentence."""

    name: str
    why: str


class AddedFiles(BaseModel):
    """What came of files that were sent."""

    added: list[str]
    skipped: list[SkippedFile]


class ExampleAnswer(BaseModel):
    """A picture with its caption; `mask`: it has a mask file or transparent parts."""

    file: str
    caption: str
    width: int
    height: int
    repeats: int
    is_regularisation: bool
    mask: bool
    warnings: list[str]


class TagCount(BaseModel):
    """How many captions have a tag."""

    tag: str
    count: int


class BucketAnswer(BaseModel):
    """How many pictures are shown in a size."""

    width: int
    height: int
    count: int


class DetailAnswer(BaseModel):
    """Everything about a data set; pairs of `duplicates` look the same."""

    name: str
    folder: str
    examples: list[ExampleAnswer]
    tags: list[TagCount]
    buckets: list[BucketAnswer]
    duplicates: list[tuple[str, str]]
    skipped: list[SkippedFile]
    can_undo: bool


class NewCaption(BaseModel):
    """A picture's caption."""

    caption: Caption


class CaptionAnswer(BaseModel):
    """A picture's caption as it is now."""

    file: str
    caption: str


class CaptionsEdit(BaseModel):
    """A change to many captions: of these files, or of all. `with` is what `replace` puts there."""

    action: Action
    text: Caption = ""
    replacement: Caption = Field("", alias="with")
    files: list[FileName] | None = Field(None, max_length=200_000)


class EditAnswer(BaseModel):
    """The captions that changed, the tags that there are now."""

    changed: list[CaptionAnswer]
    tags: list[TagCount]
    can_undo: bool


class UndoAnswer(BaseModel):
    """Files that are as before; `left` changed in another way meanwhile, so they were left alone."""

    restored: list[str]
    left: list[str]
    can_undo: bool


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()
    add_set_routes(router, services.datasets)
    add_caption_routes(router, services.datasets)
    # After those, whose paths end in words that a file's name could end in too.
    add_file_routes(router, services.datasets)
    return router


def add_set_routes(router: APIRouter, desk: Desk) -> None:
    """Data sets as wholes."""

    @router.get("/v1/datasets")
    def list_datasets() -> DataSetList:
        """All of them."""
        return DataSetList(datasets=[summary_answer(each) for each in desk.list_all()])

    @router.post("/v1/datasets", status_code=201)
    def create(body: NewDataSet) -> DataSetAnswer:
        """Make one."""
        return summary_answer(desk.create(body.name, body.folder))

    @router.get("/v1/datasets/{name}")
    def detail(name: str, resolution: Resolution = DEFAULT_RESOLUTION) -> DetailAnswer:
        """Its pictures, captions, tags and buckets, and what is odd about them."""
        return detail_answer(desk.detail(name, resolution))

    @router.delete("/v1/datasets/{name}", status_code=204)
    def delete(name: str) -> None:
        """Move it to the trash; a folder elsewhere stays and is only forgotten."""
        desk.delete(name)


def add_caption_routes(router: APIRouter, desk: Desk) -> None:
    """Captions, and taking changes back."""

    @router.put("/v1/datasets/{name}/captions/{file:path}")
    def write_caption(name: str, file: str, body: NewCaption) -> CaptionAnswer:
        """Write one caption, in one line."""
        return CaptionAnswer(file=file, caption=desk.write_captions(name, {file: body.caption})[file])

    @router.post("/v1/datasets/{name}/captions")
    def edit_captions(name: str, body: CaptionsEdit) -> EditAnswer:
        """Change many captions at once."""
        edit = CaptionEdit(body.action, body.text, body.replacement)
        changed = desk.edit(name, edit, body.files)
        now = desk.detail(name)
        return EditAnswer(
            changed=[CaptionAnswer(file=file, caption=caption) for file, caption in changed.items()],
            tags=tag_counts(now.tags),
            can_undo=now.can_undo,
        )

    @router.post("/v1/datasets/{name}/undo")
    def undo(name: str) -> UndoAnswer:
        """Take back the last change to captions, or the last deletion of a picture."""
        undone = desk.undo(name)
        return UndoAnswer(restored=undone.restored, left=undone.left, can_undo=desk.can_undo(name))


def add_file_routes(router: APIRouter, desk: Desk) -> None:
    """Pictures."""

    @router.post("/v1/datasets/{name}/files")
    def add_files(name: str, files: Annotated[list[UploadFile], File()]) -> AddedFiles:
        """Take in pictures, captions, and zips of them."""
        added = desk.add(name, [(file.filename or "", file.file) for file in files])
        return AddedFiles(added=added.added, skipped=skipped_files(added.skipped))

    @router.get("/v1/datasets/{name}/pictures/{file:path}/crop")
    def preview_crop(
        name: str,
        file: str,
        resolution: Resolution = DEFAULT_RESOLUTION,
        crop: Literal["center", "random", "focal"] = "center",
    ) -> Response:
        """What a run sees of a picture, as WebP."""
        data = desk.preview_crop(name, file, resolution, crop)
        return Response(data, media_type="image/webp", headers=SMALL_PICTURE)

    @router.get("/v1/datasets/{name}/pictures/{file:path}")
    def picture(name: str, file: str, size: Annotated[int | None, Query(ge=16, le=1024)] = None) -> Response:
        """The file, or a small WebP whose longer side has at least `size` pixels."""
        if size is not None:
            thumbnail = desk.thumbnail(name, file, size)
            return FileResponse(thumbnail, media_type="image/webp", headers=SMALL_PICTURE)
        served = open_served(desk.picture(name, file))
        return StreamingResponse(
            served.chunks(), headers=served.headers | {"Content-Length": str(served.size)}
        )

    @router.delete("/v1/datasets/{name}/files/{file:path}", status_code=204)
    def delete_file(name: str, file: str) -> None:
        """Move a picture with its caption and mask to the trash; can be undone."""
        desk.delete_file(name, file)


def detail_answer(detail: DataSetDetail) -> DetailAnswer:
    """As an answer."""
    return DetailAnswer(
        name=detail.summary.name,
        folder=detail.summary.folder,
        examples=[example_answer(each) for each in detail.dataset.examples],
        tags=tag_counts(detail.tags),
        buckets=[
            BucketAnswer(width=width, height=height, count=count) for (width, height), count in detail.buckets
        ],
        duplicates=[(readable(one), readable(other)) for one, other in detail.duplicates],
        skipped=skipped_files(detail.dataset.skipped),
        can_undo=detail.can_undo,
    )


def example_answer(example: Example) -> ExampleAnswer:
    """As an answer."""
    return ExampleAnswer(
        file=readable(example.name),
        caption=example.caption,
        width=example.width,
        height=example.height,
        repeats=example.repeats,
        is_regularisation=example.is_regularisation,
        mask=example.has_mask,
        warnings=list(example.warnings),
    )


def summary_answer(summary: DataSetSummary) -> DataSetAnswer:
    """As an answer."""
    return DataSetAnswer(
        name=summary.name,
        pictures=summary.pictures,
        captioned=summary.captioned,
        folder=readable(summary.folder),
    )


def tag_counts(tags: Iterable[tuple[str, int]]) -> list[TagCount]:
    """As an answer."""
    return [TagCount(tag=tag, count=count) for tag, count in tags]


def skipped_files(skipped: Iterable[Skipped]) -> list[SkippedFile]:
    """As an answer."""
    return [SkippedFile(name=readable(each.name), why=readable(each.why)) for each in skipped]
