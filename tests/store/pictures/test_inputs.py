import hashlib

import pytest
from PIL import Image

from webui.core.errors import NotFound, UnusableFile
from webui.store.pictures.inputs import Inputs
from webui.store.texts.encoding import PictureNotes, encode

IMAGE = Image.effect_noise((12, 10), 90).convert("RGB")
DATA = encode(IMAGE, "png", PictureNotes("a fox"))


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_picture_is_kept_once_by_the_hash_of_its_bytes(tmp_path):
    inputs = Inputs(tmp_path)
    reference = inputs.add(DATA)
    assert inputs.add(DATA) == reference == hashlib.sha256(DATA).hexdigest()
    assert files_in(tmp_path) == [inputs.path(reference)]
    assert inputs.read(reference) == DATA
    assert inputs.open(reference).tobytes() == IMAGE.tobytes()


def test_a_decoded_picture_keeps_every_pixel(tmp_path):
    inputs = Inputs(tmp_path)
    assert inputs.open(inputs.add_image(IMAGE)).tobytes() == IMAGE.tobytes()


def test_what_is_no_picture_is_not_kept(tmp_path):
    with pytest.raises(UnusableFile):
        Inputs(tmp_path).add(b"<html>")
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("reference", ["", "../../etc/passwd", "A" * 64, "f" * 63, "f" * 64 + "\n", "f" * 64])
def test_a_reference_to_nothing_is_refused_with_a_sentence(tmp_path, reference):
    with pytest.raises(NotFound):
        Inputs(tmp_path).read(reference)
