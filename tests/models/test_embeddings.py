"""Embeddings in every form of file, and which of them a prompt may name."""

import base64
import json
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin
from safetensors.torch import save_file
from torch import Tensor, nn

from tests.golden_cases import GOLDENS
from webui.core.errors import UnusableFile
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.folders import ModelFolders
from webui.library.files.embedded_previews import cover_of
from webui.library.files.picture_embeddings import pseudo_random
from webui.models.files.embedding_files import make_embedding, read_embedding
from webui.models.files.embeddings import BundledEmbedding, Embeddings
from webui.store.database import IN_MEMORY, Database
from webui.store.header_cache import HeaderCache

VECTORS = torch.arange(12.0).reshape(3, 4) / 7


def trained(vectors: Tensor = VECTORS, name: str = "inside") -> dict:
    """As A1111 keeps an embedding."""
    return {
        "string_to_token": {"*": 265},
        "string_to_param": {"*": vectors},
        "name": name,
        "step": 100,
        "sd_checkpoint": "abcdef12",
        "sd_checkpoint_name": "model",
    }


def as_json(content: dict) -> bytes:
    """Tensors as A1111 writes them into pictures."""
    return json.dumps(content, default=lambda tensor: {"TORCHTENSOR": tensor.tolist()}).encode()


def with_text(path: Path, content: dict) -> Path:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("sd-ti-embedding", base64.b64encode(as_json(content)).decode())
    Image.new("RGB", (16, 16), "red").save(path, pnginfo=notes)
    return path


def with_borders(path: Path, content: dict) -> Path:
    """A picture between columns that hold the halves of each byte in their low bits, as A1111 makes them."""
    packed = np.frombuffer(zlib.compress(as_json(content), 9), np.uint8)
    height = 32
    columns = -(-len(packed) // (height * 3))
    padded = np.zeros(height * columns * 3, np.uint8)
    padded[: len(packed)] = packed
    sequence = pseudo_random(padded.size) & 0x0F
    # Their high bits hold a pattern, so that they are not black.
    lower, upper = (
        ((half ^ sequence) | 0x50).reshape(height, -1, 3) for half in (padded & 0x0F, padded >> 4)
    )
    black = np.zeros((height, 1, 3), np.uint8)
    picture = np.full((height, 24, 3), 200, np.uint8)
    Image.fromarray(np.concatenate([lower, black, picture, black, upper], axis=1)).save(path)
    return path


@pytest.mark.parametrize("write", [with_text, with_borders])
def test_a_picture_carries_an_embedding_and_its_name(tmp_path, write):
    found = read_embedding(write(tmp_path / "picture.png", trained()))
    assert found is not None
    assert (found.name, found.step, found.sd_checkpoint, found.sd_checkpoint_name) == (
        "inside", 100, "abcdef12", "model",
    )  # fmt: skip
    torch.testing.assert_close(found.vectors[""], VECTORS)


@pytest.mark.parametrize("picture", ["init.png", "mask.png", "init_rgba.png"])
def test_other_pictures_carry_none(picture):
    assert read_embedding(GOLDENS / "assets" / picture) is None


def test_a_picture_with_two_black_columns_and_nothing_hidden_carries_none(tmp_path):
    pixels = np.full((8, 12, 3), 90, np.uint8)
    pixels[:, [3, 8]] = 0
    Image.fromarray(pixels).save(tmp_path / "stripes.png")
    assert read_embedding(tmp_path / "stripes.png") is None


def test_a_damaged_picture_is_refused(tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG nothing")
    with pytest.raises(UnusableFile):
        read_embedding(path)


@pytest.mark.parametrize(
    "content",
    [
        trained(),
        {"string_to_param": nn.ParameterDict({"*": nn.Parameter(VECTORS)})},
        {"<name>": VECTORS},
        {"<name>": VECTORS[0]},
        {"clip_l": VECTORS, "clip_g": VECTORS.repeat(1, 2)},
    ],
    ids=["a1111", "a1111 old", "diffusers", "one vector", "sdxl"],
)
def test_every_form_of_pickle_is_read(tmp_path, content):
    torch.save(content, tmp_path / "e.pt")
    found = read_embedding(tmp_path / "e.pt")
    assert found is not None
    assert found.name == "e"
    first = next(iter(found.vectors.values()))
    torch.testing.assert_close(first, VECTORS[: found.count])
    assert first.dtype == torch.float32
    assert not first.requires_grad
    assert found.width == (12 if "clip_g" in content else 4)


def test_half_precision_becomes_32_bits(tmp_path):
    save_file({"emb_params": VECTORS.half()}, tmp_path / "e.safetensors")
    found = read_embedding(tmp_path / "e.safetensors")
    assert found is not None
    assert found.vectors[""].dtype == torch.float32


@pytest.mark.parametrize(
    "content",
    [
        {},
        [VECTORS],
        {"a": VECTORS, "b": VECTORS},
        {"a": VECTORS[None]},
        {"clip_l": VECTORS[:1], "clip_g": VECTORS},
    ],
)
def test_what_is_no_embedding_is_refused(content):
    with pytest.raises(UnusableFile):
        make_embedding(content, "e")


class Tower:
    """What is asked of a text encoder."""

    def __init__(self, width: int, *, gives_pooled: bool = False) -> None:
        self.width = width
        self.reading = type("Reading", (), {"gives_pooled": gives_pooled})


ONE = (Tower(4),)
PAIR = (Tower(4), Tower(8, gives_pooled=True))


@pytest.fixture
def embeddings(tmp_path: Path) -> Embeddings:
    torch.save(trained(), tmp_path / "plain.pt")
    (tmp_path / "sub").mkdir()
    save_file({"clip_l": VECTORS, "clip_g": VECTORS.repeat(1, 2)}, tmp_path / "sub" / "pair.safetensors")
    with_text(tmp_path / "picture.png", trained(VECTORS[:1], "from picture"))
    # A preview of the one beside it.
    with_text(tmp_path / "plain.png", trained(name="preview"))
    with_text(tmp_path / "other.preview.png", trained(name="another"))
    Image.new("RGB", (8, 8), "blue").save(tmp_path / "blue.png")
    catalog = Catalog(ModelFolders((tmp_path,), embeddings=(tmp_path,)), HeaderCache(Database(IN_MEMORY)))
    catalog.scan()
    return Embeddings(catalog)


def test_files_and_pictures_are_listed_and_previews_are_not(embeddings):
    assert set(embeddings.entries()) == {"plain", "pair", "from picture"}


def test_a_picture_that_carries_one_is_a_model_file_of_its_own(embeddings, tmp_path):
    files = {file.word: file for file in embeddings._catalog.all_files()}
    assert set(files) == {"plain", "pair", "from picture"}
    picture = files["from picture"]
    assert (picture.name, picture.container, picture.has_cover) == ("picture.png", "picture", True)
    assert cover_of(picture) == tmp_path / "picture.png"


def test_only_those_named_in_a_text_are_read(embeddings):
    usable = embeddings.usable(["a Plain cat"], ONE, {})
    assert set(usable.inversions) == {"plain"}
    assert usable.inversions["plain"].count == 3
    assert embeddings.usable(["a cat"], ONE, {}).key == ()


def test_case_and_the_width_of_spaces_do_not_matter_but_words_do(embeddings):
    assert set(embeddings.usable(["from\n  PICTURE"], ONE, {}).inversions) == {"from picture"}
    assert embeddings.usable(["frompicture plainly"], ONE, {}).key == ()


def test_a_name_is_found_as_it_is_written_in_prompts(embeddings, tmp_path):
    for name in ("x(1)", "漢字", "ünï", "a", "ag", "cot"):
        shutil.copy(tmp_path / "plain.pt", tmp_path / f"{name}.pt")
    embeddings._catalog.scan()
    texts = ["image of one cottage, (x\\(1\\):1.2)"]
    assert set(embeddings.usable(texts, ONE, {}).inversions) == {"x(1)"}
    assert set(embeddings.usable(["漢字, [ünï:0.5], \uff41"], ONE, {}).inversions) == {"漢字", "ünï", "a"}


def test_one_for_other_text_encoders_is_told_and_left_out(embeddings):
    usable = embeddings.usable(["plain pair"], PAIR, {})
    assert set(usable.inversions) == {"pair"}
    assert [vectors.shape[1] for vectors in usable.inversions["pair"].vectors] == [4, 8]
    assert "'plain'" in usable.warnings[0]


def test_one_inside_a_lora_gives_way_to_a_file(embeddings):
    given = {"string_to_param.*": torch.zeros(1, 4)}
    bundled = {name: BundledEmbedding("lora", name, given) for name in ("plain", "new")}
    usable = embeddings.usable(["plain new"], ONE, bundled)
    assert usable.inversions["plain"].count == 3
    assert usable.inversions["new"].count == 1
    assert usable.short_hashes["new"] == "lora"
    assert len(usable.short_hashes["plain"]) == 12


def test_one_in_memory_comes_before_a_file_and_has_no_hash(embeddings):
    given = {"emb_params": torch.zeros(2, 4)}
    bundled = {name: BundledEmbedding("", ("in memory", name), given) for name in ("plain", "new")}
    usable = embeddings.usable(["plain new"], ONE, bundled)
    assert [usable.inversions[name].count for name in ("plain", "new")] == [2, 2]
    assert usable.short_hashes == {"plain": "", "new": ""}
    assert ("plain", ("in memory", "plain")) in usable.key


def test_the_key_changes_with_the_file(embeddings, tmp_path):
    before = embeddings.usable(["plain"], ONE, {})
    torch.save(trained(VECTORS * 2), tmp_path / "plain.pt")
    embeddings._catalog.scan()
    after = embeddings.usable(["plain"], ONE, {})
    assert before.key != after.key
    assert not torch.equal(before.inversions["plain"].vectors[0], after.inversions["plain"].vectors[0])
