"""The hooks around saving: what extensions may change of a file, and where they may put it."""

from pathlib import Path

import pytest
from PIL import Image

from tests.pipelines.runs import request_of
from webui.core.events import ImageReady, ImageSaved, Message, Withdrawn
from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.jobs.job import Delivery, Job
from webui.jobs.queue import JobQueue
from webui.jobs.saving import PictureSaver
from webui.plugins import hookimpl, specs
from webui.plugins.host import Plugins
from webui.store.database import IN_MEMORY, Database
from webui.store.files.folder_rules import FolderRules
from webui.store.pictures.history import History
from webui.store.pictures.images import ImageFiles
from webui.store.reading import open_picture


class Saving:
    """Puts pictures where it is told, and hears of them."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.heard = path, []

    @hookimpl
    def before_saving(self, picture):
        picture.path = self.path
        picture.infotext += ", Extra: yes"
        picture.items["note"] = "of an extension"
        picture.image = Image.new("RGB", (4, 4), "blue")

    @hookimpl
    def image_saved(self, picture):
        self.heard.append((picture.path, picture.infotext))


def save(tmp_path: Path, wanted: Path | None) -> tuple[list, Saving]:
    extension, plugins = Saving(wanted), Plugins(specs)
    plugins.register(extension, "saving")
    history = History(Database(IN_MEMORY))
    saver = PictureSaver(ImageFiles(tmp_path), history, plugins=plugins, rules=FolderRules(tmp_path))
    ready = ImageReady(
        index=0, image=Image.new("RGB", (8, 8), "red"), infotext="a\nSteps: 1", seed=1, variation_seed=0
    )
    job = Job(GenerationRequest(prompt="a", seed=1), Delivery("txt2img"), Settings())
    return list(saver.save(ready, job)), extension


@pytest.mark.parametrize("name", ["mine.png", "mine"])
def test_an_extension_names_the_file_and_its_folder(tmp_path, name):
    events, extension = save(tmp_path, tmp_path / "outputs" / "mine" / name)
    (saved,) = [each for each in events if isinstance(each, ImageSaved)]
    assert Path(saved.path) == tmp_path / "outputs" / "mine" / "mine.png"
    assert extension.heard == [(Path(saved.path), "a\nSteps: 1, Extra: yes")]
    with Image.open(saved.path) as image:
        assert image.getpixel((0, 0)) == (0, 0, 255)
        assert image.info["parameters"] == "a\nSteps: 1, Extra: yes"
        assert image.info["note"] == "of an extension"


def test_a_folder_outside_is_refused_and_the_picture_is_kept_where_it_belongs(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    events, _ = save(root, tmp_path / "elsewhere" / "mine.png")
    (saved,) = [each for each in events if isinstance(each, ImageSaved)]
    assert Path(saved.path).is_relative_to(root)
    assert open_picture(Path(saved.path).read_bytes()).getpixel((0, 0)) == (255, 0, 0)
    assert any(isinstance(each, Message) and "pictures lie below" in each.text for each in events)
    assert not (tmp_path / "elsewhere").exists()


def test_what_an_extension_took_back_leaves_the_gallery():
    job = Job(GenerationRequest(prompt="a", batch_count=2), Delivery("txt2img"), Settings())
    for index in range(2):
        job.append(
            ImageSaved(index=index, path="", infotext="", seed=index, variation_seed=0, width=8, height=8)
        )
    job.append(Withdrawn(index=0))
    assert [each.index for each in job.gallery()] == [each.index for each in job.saved()] == [1]


class Hearing:
    """Notes the moments of each picture, from the last on the device's thread to the file."""

    def __init__(self) -> None:
        self.heard: dict[int, list[str]] = {}

    def note(self, index: int, moment: str) -> None:
        self.heard.setdefault(index, []).append(moment)

    @hookimpl
    def change_image(self, picture):
        self.note(picture.index, picture.place)

    @hookimpl
    def before_saving(self, picture):
        assert picture.path is None
        self.note(picture.index, "before_saving")

    @hookimpl
    def image_saved(self, picture):
        assert picture.path.is_file()
        self.note(picture.index, "image_saved")


def test_every_picture_of_a_job_is_composed_before_it_is_saved_and_saved_once(exact_services, tmp_path):
    """As A1111's postprocess_image, _after_composite, before_image_saved, image_saved."""
    from webui.core.flags import read_flags
    from webui.jobs.local_worker import LocalWorker
    from webui.store.pictures.latents import Latents

    hearing, plugins = Hearing(), Plugins(specs)
    plugins.register(hearing, "hearing")
    flags, _ = read_flags(["--precision", "full", "--use-cpu", "all"])
    latents = Latents(tmp_path / "latents")

    def make() -> LocalWorker:
        services = exact_services
        return LocalWorker(services.catalog, services.inputs, latents, flags, "Atelier test", plugins)

    saver = PictureSaver(ImageFiles(tmp_path), History(Database(IN_MEMORY)), plugins=plugins)
    queue = JobQueue(make, saver, latents=latents, scratch=tmp_path)
    queue.start()
    try:
        settings = Settings().changed({"precision": "exact", "grid_save": False, "return_grid": False})
        ended = queue.submit(request_of(batch_size=2, batch_count=2), settings=settings).wait(120)
    finally:
        queue.close()
    assert ended is not None
    assert ended.outcome == "done"
    moments = ["decoded", "restored", "before_overlay", "composed", "before_saving", "image_saved"]
    assert hearing.heard == dict.fromkeys(range(4), moments)


def test_files_are_the_same_bytes_beside_an_extension_that_does_nothing(tmp_path):
    class Idle:
        @hookimpl
        def before_saving(self, picture):
            return picture

        @hookimpl
        def image_saved(self, picture):
            return picture

    written = []
    for name, extensions in (("none", ()), ("idle", (Idle(),))):
        plugins = Plugins(specs)
        for extension in extensions:
            plugins.register(extension, "idle")
        saver = PictureSaver(ImageFiles(tmp_path / name), History(Database(IN_MEMORY)), plugins=plugins)
        ready = ImageReady(
            index=0, image=Image.new("RGB", (8, 8), "red"), infotext="a\nSteps: 1", seed=1, variation_seed=0
        )
        job = Job(GenerationRequest(prompt="a", seed=1), Delivery("txt2img"), Settings())
        (saved,) = [each for each in saver.save(ready, job) if isinstance(each, ImageSaved)]
        path = Path(saved.path)
        written.append((path.relative_to(tmp_path / name), path.read_bytes()))
    assert written[0] == written[1]


class OneColumn:
    """Draws all below each other, and one of its own last."""

    def __init__(self, columns: object = 1, own: object = None) -> None:
        self.columns, self.own = columns, own or Image.new("RGB", (8, 8), "blue")

    @hookimpl
    def arrange_grid(self, grid):
        grid.images = [*grid.images, self.own]
        grid.columns, grid.rows = self.columns, len(grid.images)


def save_sheet(tmp_path: Path, extension: object) -> tuple[Image.Image, list[str]]:
    plugins = Plugins(specs)
    plugins.register(extension, "arranging")
    saver = PictureSaver(ImageFiles(tmp_path), History(Database(IN_MEMORY)), plugins=plugins)
    job = Job(GenerationRequest(prompt="a", seed=1, batch_count=2), Delivery("txt2img"), Settings())
    pictures = [
        ImageReady(index=i, image=Image.new("RGB", (8, 8), "red"), infotext="a", seed=1, variation_seed=0)
        for i in range(2)
    ]
    events = list(saver.save_grid(pictures, job))
    (saved,) = [each for each in events if isinstance(each, ImageSaved)]
    texts = [each.text for each in events if isinstance(each, Message)]
    return open_picture(Path(saved.path).read_bytes()), texts


def test_an_extension_arranges_the_grid(tmp_path):
    sheet, texts = save_sheet(tmp_path, OneColumn())
    assert (sheet.size, texts) == ((8, 24), [])
    assert [sheet.getpixel((0, y)) for y in (0, 8, 16)] == [(255, 0, 0), (255, 0, 0), (0, 0, 255)]


@pytest.mark.parametrize("wrong", [OneColumn(0), OneColumn("two"), OneColumn(own="no picture")])
def test_a_grid_that_cannot_be_drawn_is_drawn_as_it_was(tmp_path, wrong):
    sheet, (text,) = save_sheet(tmp_path, wrong)
    assert sheet.size in {(16, 8), (8, 16)}
    assert "An extension changed the grid" in text
