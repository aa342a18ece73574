"""Finished pictures as files the page can show, and what its buttons do with them."""

import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from webui.core.errors import NotFound
from webui.core.events import ImageReady, ImageSaved
from webui.core.infotext import parse_fields
from webui.core.settings import Settings
from webui.jobs.job import Job
from webui.store.pictures.chosen import ChosenPicture, SaveButton
from webui.store.pictures.filenames import NameFacts
from webui.store.pictures.served_pictures import ServedPictures
from webui.store.reading import open_picture
from webui.store.texts.encoding import PictureNotes, encode


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """Serves the very files that were written. `unsaved` takes pictures that are not to be saved."""

    unsaved: Path
    served: ServedPictures

    def on_disk(self, job: Job, picture: ImageSaved) -> Path:
        """The picture's file, which pages may load; written into the folder for unsaved ones if needed."""
        path = Path(picture.path) if picture.path else self._keep(job, picture)
        self.served.add(path)
        return path

    def _keep(self, job: Job, picture: ImageSaved) -> Path:
        path = self.unsaved / job.id / f"{picture.index}{picture.aside}.png"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(
                encode(finished_image(job, picture).image, "png", PictureNotes(picture.infotext))
            )
        return path


def shown_file(path: Path) -> dict[str, Any]:
    """A file for a component, of an event with `postprocess=False`.

    It lacks Gradio's mark of a file, by which Gradio would copy every picture into a folder of its own.
    """
    return {
        "path": str(path),
        "url": f"gradio_api/file={quote(str(path))}",
        "orig_name": path.name,
        "size": path.stat().st_size if path.is_file() else None,
        "mime_type": mimetypes.guess_type(path.name)[0],
    }


def finished_image(job: Job, picture: ImageSaved) -> ImageReady:
    """The picture itself, kept in the log of jobs that do not save. Raises NotFound once it was let go."""
    for event in job.log():
        if isinstance(event, ImageReady) and (event.index, event.aside) == (picture.index, picture.aside):
            return event
    raise NotFound("This picture was not saved and is no longer in memory. Generate it again with its seed.")


def chosen_pictures(job: Job, selected: int, *, only_selected: bool) -> list[ImageSaved]:
    """What the Save button takes: the picture selected in the gallery, or all but the grid."""
    pictures = job.gallery()
    if only_selected and 0 <= selected < len(pictures):
        return [pictures[selected]]
    return [picture for picture in pictures if picture.index >= 0]


def save_chosen(
    files: PictureFiles,
    button: SaveButton,
    job: Job,
    pictures: Iterable[ImageSaved],
    settings: Settings,
    as_zip: bool,
) -> list[Path]:
    """Write pictures into the folder for chosen ones, with a line in log.csv, and give the files written."""
    chosen = [
        ChosenPicture(open_picture(files.on_disk(job, picture)), picture.infotext, name_facts(job, picture))
        for picture in pictures
    ]
    if not chosen:
        raise NotFound("There is no picture to save yet. Generate one first.")
    return button.save(chosen, settings.saving, settings.folders, as_archive=as_zip)


def name_facts(job: Job, picture: ImageSaved) -> NameFacts:
    """What file-name patterns may use, taken from the request and the infotext."""
    fields = parse_fields(picture.infotext)
    facts = {
        "model_name": fields.get("Model"),
        "model_hash": fields.get("Model hash"),
        "vae_name": fields.get("VAE"),
    }
    return NameFacts.of(
        job.generation,
        max(picture.index, 0),
        picture.seed,
        facts,
        started=datetime.fromtimestamp(job.created).astimezone(),
    )
