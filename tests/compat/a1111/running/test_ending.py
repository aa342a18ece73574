"""What becomes of the pictures that a script's run gives."""

from types import SimpleNamespace

import pytest
from PIL import Image

from webui.compat.a1111.running.ending import make_ready

PROCESSED = SimpleNamespace(infotexts=["a", "b"], all_seeds=[7, 8], info="all", seed=7, subseed=-1)


def test_the_name_of_a_pictures_file_stands_for_it(tmp_path):
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue")]
    file = tmp_path / "moving.gif"
    frames[0].save(file, save_all=True, append_images=frames[1:])
    ready = make_ready(str(file), 1, PROCESSED, None)
    assert ready is not None
    assert (ready.infotext, ready.seed, ready.is_saved) == ("b", 8, False)
    assert (ready.image.size, ready.image.convert("RGB").getpixel((0, 0))) == ((8, 6), (255, 0, 0))


@pytest.mark.parametrize("content", [None, b"", b"GIF89a", b"not a picture"])
def test_what_is_no_picture_is_passed_over(tmp_path, content):
    file = tmp_path / "film.gif"
    if content is not None:
        file.write_bytes(content)
    assert make_ready(file, 0, PROCESSED, None) is None
    assert make_ready(str(tmp_path), 0, PROCESSED, None) is None
    assert make_ready(b"GIF89a", 0, PROCESSED, None) is None
