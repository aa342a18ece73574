"""Pictures inside model files: told by their first bytes, read when they are wanted."""

import base64
import io
import json

import pytest
from PIL import Image

from tests.arriving_files import lora, picture
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.entries import read_entry
from webui.library.catalog.folders import ModelFolders
from webui.library.files.embedded_previews import COVERS, MOST_BYTES, THUMBNAIL, cover_of
from webui.store.database import IN_MEMORY, Database
from webui.store.header_cache import HeaderCache


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def jpeg(colour: str = "blue") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 60), colour).save(file, "JPEG")
    return file.getvalue()


def uri(data: bytes, kind: str = "jpeg") -> str:
    return f"data:image/{kind};base64,{encoded(data)}"


@pytest.fixture
def model(tmp_path):
    """Makes a LoRA file with metadata, as the catalog knows it."""

    def make(metadata):
        path = tmp_path / "a.safetensors"
        path.write_bytes(lora(1, metadata=metadata))
        catalog = Catalog(ModelFolders((tmp_path,)), HeaderCache(Database(IN_MEMORY)))
        (file,) = catalog.scan()
        return file

    return make


@pytest.mark.parametrize(
    "metadata",
    [
        {THUMBNAIL: uri(jpeg())},
        {COVERS: json.dumps([encoded(jpeg())])},
        {COVERS: json.dumps([None, "", uri(jpeg())])},
        {THUMBNAIL: uri(picture()[:30], "png"), COVERS: json.dumps([encoded(jpeg())])},
        {THUMBNAIL: "none", COVERS: json.dumps([encoded(b"RIFF but no picture"), encoded(jpeg())])},
    ],
)
def test_the_first_picture_that_can_be_read_is_the_cover(model, metadata):
    file = model(metadata)
    cover = cover_of(file)
    assert file.has_cover
    assert (cover.data, cover.media_type) == (jpeg(), "image/jpeg")


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"ss_steps": "7"},
        {THUMBNAIL: "https://elsewhere.example/picture.png"},
        {THUMBNAIL: "data:text/html;base64," + encoded(b"<script>")},
        {THUMBNAIL: uri(b"<svg onload=alert(1)>", "svg+xml")},
        {THUMBNAIL: "data:image/png;base64,not base64"},
        {COVERS: "not JSON"},
        {COVERS: "[" * 100_000},
        {COVERS: '{"a": 1}'},
        {COVERS: "[1, null, [], {}]"},
        {COVERS: json.dumps([encoded(b"plain text that is no picture")])},
    ],
)
def test_what_does_not_begin_as_a_picture_is_none(model, metadata):
    file = model(metadata)
    assert not file.has_cover
    assert cover_of(file) is None


@pytest.mark.parametrize(
    "text",
    [
        uri(picture()[:30], "png"),
        uri(b"\x89PNG\r\n\x1a\n" + bytes(40), "png"),
        uri(b"\xff\xd8\xff" + bytes(MOST_BYTES)),
        uri(jpeg()) + "%",
    ],
)
def test_a_damaged_or_huge_picture_counts_as_none_when_it_is_read(model, text):
    file = model({THUMBNAIL: text})
    assert file.has_cover
    assert cover_of(file) is None


def test_a_picture_of_far_more_pixels_than_bytes_is_left_alone(model):
    file = io.BytesIO()
    Image.new("1", (8000, 8000)).save(file, "PNG")
    assert len(file.getvalue()) < 100_000
    assert cover_of(model({THUMBNAIL: uri(file.getvalue(), "png")})) is None


def test_the_header_cache_keeps_that_there_is_a_picture_and_not_the_picture(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(lora(1, metadata={THUMBNAIL: uri(picture(size=(200, 200)), "png") + "A" * 4000}))
    entry = read_entry(path)
    assert entry["has_cover"]
    assert THUMBNAIL not in entry["metadata"]
