import pytest
from PIL import Image

from webui.core.errors import UnusableFile
from webui.store.pictures.thumbnails import SIDES, Thumbnails


def test_a_thumbnail_fits_a_card_and_is_made_once(tmp_path):
    preview = tmp_path / "cat.png"
    Image.new("RGB", (1000, 500), "red").save(preview)
    thumbnails = Thumbnails(tmp_path / "thumbs")
    path = thumbnails.get("ab12", 1, lambda: preview)
    with Image.open(path) as image:
        assert image.format == "WEBP"
        assert image.size == (SIDES[0], SIDES[0] // 2)
    preview.unlink()
    assert thumbnails.get("ab12", 1, lambda: preview) == path


def test_another_preview_takes_the_place_of_the_old_thumbnail(tmp_path):
    preview = tmp_path / "cat.png"
    Image.new("RGB", (9, 9)).save(preview)
    thumbnails = Thumbnails(tmp_path / "thumbs")
    old, new = (thumbnails.get("ab12", stamp, lambda: preview) for stamp in (1, 2))
    assert not old.exists()
    assert new.is_file()


def test_of_an_animation_the_first_frame_is_taken(tmp_path):
    preview = tmp_path / "cat.gif"
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    frames[0].save(preview, save_all=True, append_images=frames[1:])
    with Image.open(Thumbnails(tmp_path / "thumbs").get("ab12", 1, lambda: preview)) as image:
        red, _, blue = image.convert("RGB").getpixel((4, 4))
    assert red > 200
    assert blue < 60


def test_what_is_no_picture_is_refused(tmp_path):
    preview = tmp_path / "cat.png"
    preview.write_bytes(b"<html>")
    with pytest.raises(UnusableFile):
        Thumbnails(tmp_path / "thumbs").get("ab12", 1, lambda: preview)
