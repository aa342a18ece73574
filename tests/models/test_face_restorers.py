"""Face restoration: found, turned upright, restored, laid back."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageChops

from tests.library.picture_files import catalog_of, gfpgan_weights, narrow_gfpgan_network, write
from webui.core.errors import ModelNotFound, UnusableFile
from webui.core.flags import read_flags
from webui.core.model_file import ModelKind
from webui.library.catalog.catalog import Catalog, ModelFolders
from webui.library.catalog.upscaler_names import restorer_files
from webui.models.images.face_restorers import UPRIGHT, FaceRestorers, load_retinaface, paste_faces
from webui.models.images.retinaface import RetinaFace, anchors_of
from webui.models.network_holder import NetworkHolder
from webui.models.residency import Residency
from webui.store.database import Database
from webui.store.header_cache import HeaderCache

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A GFPGAN and a face detector, both with random weights."""
    models = tmp_path_factory.mktemp("models")
    write(models / "GFPGAN", "GFPGANv1.4.pth", gfpgan_weights())
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = RetinaFace()
    for head in network.ClassHead:
        # Never sure of a face: random weights would see hundreds.
        torch.nn.init.zeros_(head.conv1x1.weight)
        torch.nn.init.zeros_(head.conv1x1.bias)
    detector = network.state_dict()
    torch.save(
        {f"module.{key}": tensor for key, tensor in detector.items()}, models / "GFPGAN" / "detect.pth"
    )
    return models


def restorers(models) -> FaceRestorers:
    """On the files below a folder."""
    holder = NetworkHolder(10**12, Residency.of_device(CPU))
    return FaceRestorers(
        catalog_of(models), CPU, holder, lambda file: nullcontext(narrow_gfpgan_network(file))
    )


def a_face(scale: float, x: float, y: float) -> np.ndarray:
    """The five points of an upright face."""
    return (UPRIGHT * scale + np.array([x, y])).astype(np.float32)


def test_files_are_told_by_their_content(models):
    kinds = {file.stem: (file.kind, file.architecture) for file in catalog_of(models).files()}
    assert kinds["GFPGANv1.4"] == (ModelKind.FACE_RESTORER, "GFPGAN")
    assert kinds["detect"] == (ModelKind.FACE_DETECTOR, None)


def test_a_face_that_the_restorer_leaves_alone_stays(photo):
    pixels = np.asarray(photo.resize((40, 30)).resize((400, 300), Image.Resampling.BICUBIC))
    result = paste_faces(pixels, [a_face(0.4, 60, 40)], lambda face: face)
    # Turned and turned back, smooth pictures hardly change.
    assert abs(result.astype(int) - pixels).max() <= 12
    assert abs(result.astype(int) - pixels).mean() < 0.5


def test_only_the_face_changes(photo):
    pixels = np.asarray(photo)
    result = paste_faces(pixels, [a_face(0.4, 60, 40)], torch.zeros_like)
    assert ImageChops.difference(photo, Image.fromarray(result)).getbbox() is not None
    # The square of the face is 205 pixels wide and begins at 60, 40.
    outside = np.ones(pixels.shape[:2], bool)
    outside[40:245, 60:265] = False
    assert (result[outside] == pixels[outside]).all()
    assert (abs(result[100:180, 120:200].astype(int) - 127) <= 1).all()


def test_two_faces_are_both_restored(photo):
    faces = [a_face(0.2, 20, 20), a_face(0.2, 250, 150)]
    result = paste_faces(np.asarray(photo), faces, torch.zeros_like)
    for x, y in ((71, 71), (301, 201)):
        assert abs(result[y, x].astype(int) - 127).max() <= 1


def test_gfpgan_runs_from_its_file_and_gives_the_same_each_time(models, photo, monkeypatch):
    faces = restorers(models)
    # Random weights find no faces: the finder is told where one is.
    monkeypatch.setattr(faces, "find", lambda pixels: [a_face(0.4, 60, 40)])
    first, second = (faces.restore(photo, "GFPGAN") for _ in range(2))
    assert first.size == photo.size
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != photo.tobytes()


def test_transparency_survives(models, photo, monkeypatch):
    faces = restorers(models)
    monkeypatch.setattr(faces, "find", lambda pixels: [a_face(0.4, 60, 40)])
    photo = photo.convert("RGBA")
    photo.putalpha(77)
    assert faces.restore(photo, "GFPGAN").getchannel("A").getextrema() == (77, 77)


def test_a_picture_without_faces_stays_as_it_is(models, photo):
    faces = restorers(models)
    small = photo.resize((48, 32))
    assert faces.restore(small, "GFPGAN") is small


def test_anchors_stand_in_the_middle_of_their_places():
    anchors = anchors_of(16, 24)
    assert anchors[0].tolist() == [4, 4, 16, 16]
    assert anchors[1].tolist() == [4, 4, 32, 32]
    assert anchors[2].tolist() == [12, 4, 16, 16]
    # 2 x 3 places at 8 pixels, 1 x 2 at 16, 1 x 1 at 32, two anchors at each.
    assert len(anchors) == (6 + 2 + 1) * 2


def test_the_detector_tells_as_much_of_each_anchor_as_there_are_anchors(models):
    network = RetinaFace()
    with torch.no_grad():
        boxes, sureness, points = network.eval()(torch.zeros(1, 3, 70, 90))
    count = len(anchors_of(70, 90))
    assert (boxes.shape, sureness.shape, points.shape) == ((count, 4), (count,), (count, 10))


@pytest.mark.parametrize(
    ("name", "place"), [("GFPGAN", "models/GFPGAN"), ("CodeFormer", "models/Codeformer")]
)
def test_a_restorer_that_is_not_there_says_where_it_goes(tmp_path, photo, name, place):
    with pytest.raises(ModelNotFound, match=place):
        restorers(tmp_path).restore(photo, name)


def test_without_a_detector_it_says_what_finds_faces(tmp_path, photo):
    write(tmp_path / "GFPGAN", "GFPGANv1.4.pth", gfpgan_weights())
    with pytest.raises(ModelNotFound, match=r"detection_Resnet50_Final\.pth"):
        restorers(tmp_path).restore(photo, "GFPGAN")


def test_a_damaged_detector_is_refused(tmp_path):
    path = write(tmp_path, "detect.safetensors", {"ClassHead.0.conv1x1.weight": torch.zeros(1)})
    with pytest.raises(UnusableFile, match=r"detect\.safetensors is not RetinaFace"):
        load_retinaface(path, CPU)


@pytest.mark.parametrize("flag", ["--gfpgan-models-path", "--codeformer-models-path"])
def test_a_further_folder_of_a_flag_is_looked_in_and_its_file_chosen(flag, tmp_path):
    file = write(tmp_path / "elsewhere", "GFPGANv1.4.pth", gfpgan_weights())
    flags = read_flags([flag, str(file.parent), "--data-dir", str(tmp_path / "home")])[0]
    catalog = Catalog(ModelFolders.of(flags.paths(tmp_path)), HeaderCache(Database(Path(":memory:"))))
    catalog.scan()
    assert {name: found.path for name, found in restorer_files(catalog).items()} == {"GFPGAN": file}
