"""WD taggers: scores against numpy's, pictures prepared as they were trained, and files that lie."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from tests.captioners import (
    SIDE,
    TAGS,
    csv_of,
    field,
    make_tagger,
    onnx_tagger,
    tagger_weights,
    tensor,
)
from webui.core.errors import UnusableFile
from webui.core.work.caption_request import CaptionOptions
from webui.library.captioners.finding import find_captioner
from webui.models.captioning.loading import load_captioner
from webui.models.captioning.onnx_files import check_onnx
from webui.models.captioning.wd_tagger import prepare
from webui.models.residency import Residency

CPU = torch.device("cpu")


@pytest.fixture
def models(tmp_path):
    return tmp_path / "models"


def load(models, name="tagger"):
    return load_captioner(find_captioner(models, name), CPU, Residency.of_device(CPU))


def noise(width, height, mode="RGB", seed=1):
    bands = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, bands), dtype=np.uint8)
    return Image.fromarray(pixels.squeeze(), mode)


def sigmoid(numbers):
    return 1 / (1 + np.exp(-numbers.astype(np.float64)))


@pytest.mark.parametrize("logits", [False, True], ids=["scores", "logits"])
def test_scores_are_the_sigmoid_of_what_the_network_computes(models, logits):
    weights = tagger_weights()
    make_tagger(models / "WD" / "tagger", weights, logits=logits)
    picture = noise(SIDE, SIDE)
    flat = np.asarray(picture, np.float32)[:, :, ::-1].reshape(1, -1) / 255
    np.testing.assert_allclose(load(models).scores(picture), sigmoid(flat @ weights)[0], atol=1e-5)


def test_a_picture_is_padded_with_white_and_its_blue_comes_first():
    picture = noise(448, 200)
    given = prepare(picture, 448)
    assert (given.shape, given.dtype) == ((1, 448, 448, 3), np.float32)
    np.testing.assert_array_equal(given[0, 124:324], np.asarray(picture, np.float32)[:, :, ::-1])
    assert (given[0, :124] == 255).all()
    assert (given[0, 324:] == 255).all()


def test_a_larger_picture_is_resampled_as_pillow_does():
    picture = noise(100, 60)
    square = Image.new("RGB", (100, 100), "white")
    square.paste(picture, (0, 20))
    wanted = np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float32)
    np.testing.assert_array_equal(prepare(picture, SIDE)[0], wanted[:, :, ::-1])


@pytest.mark.parametrize("mode", ["RGBA", "LA", "L", "P", "CMYK", "1"])
def test_transparency_is_white_and_every_mode_is_taken(mode):
    picture = noise(SIDE, SIDE, "RGBA") if mode == "RGBA" else Image.new("RGBA", (SIDE, SIDE), (9, 9, 9, 0))
    given = prepare(picture if mode == "RGBA" else picture.convert(mode), SIDE)
    assert np.isfinite(given).all()
    if mode == "RGBA":
        colours = np.asarray(picture, np.float64)
        share = colours[:, :, 3:] / 255
        wanted = (colours[:, :, :3] * share + 255 * (1 - share))[:, :, ::-1]
        np.testing.assert_allclose(given[0], wanted, atol=1.01)
    if mode == "LA":
        assert (given == 255).all()


def test_tags_come_by_score_with_spaces_and_ratings_are_left_out(models):
    weights = np.zeros((SIDE * SIDE * 3, len(TAGS)), np.float32)
    # On white every input is 1: the score of a tag is the sigmoid of the sum of its column.
    for column, score in enumerate((0.99, 0.7, 0.9, 0.8, 0.6, 0.95, 0.2)):
        weights[0, column] = np.log(score / (1 - score))
    make_tagger(models / "WD" / "tagger", weights)
    tagger, white = load(models), Image.new("RGB", (5, 5), "white")
    said = tagger.describe(white, CaptionOptions())
    assert said.caption == "miku (append), long hair, ^_^, 1girl, hat (red)"
    assert [round(tag.score, 3) for tag in said.tags] == [0.95, 0.9, 0.8, 0.7, 0.6]
    options = CaptionOptions(
        character_threshold=0.96,
        general_threshold=0.65,
        order="alphabet",
        escape_brackets=True,
        with_scores=True,
        use_spaces=False,
        left_out="Long Hair, sky",
    )
    assert tagger.describe(white, options).caption == "(1girl:0.700), (^_^:0.800)"
    escaped = CaptionOptions(escape_brackets=True, general_threshold=0.99)
    assert tagger.describe(white, escaped).caption == r"miku \(append\)"


def test_a_list_of_another_tagger_is_refused(models):
    folder = make_tagger(models / "WD" / "tagger")
    (folder / "selected_tags.csv").write_text(csv_of(TAGS[:-1]), encoding="utf-8")
    with pytest.raises(UnusableFile, match=r"has 6 tags, but the network tells of 7.*download both"):
        load(models)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("tag_id,name,category\n1,caf\u00e9,0\n".encode("latin-1"), "not in UTF-8"),
        (b"", "no table of tags"),
        (b"one,two\n1,2\n", "no table of tags"),
        (b"name,category\n" + b"x" * 5000 + b",0\n", "no table of tags"),
        (b'name,category\n"' + b"x" * 200_000 + b'",0\n', "no table of tags"),
        (b"\0\0\0\0", "no table of tags"),
    ],
)
def test_a_list_that_is_none_is_refused_with_a_sentence(models, content, sentence):
    folder = make_tagger(models / "WD" / "tagger")
    (folder / "selected_tags.csv").write_bytes(content)
    with pytest.raises(UnusableFile, match=sentence):
        load(models)


def test_a_list_may_begin_with_a_mark_and_end_lines_as_windows_does(models):
    folder = make_tagger(models / "WD" / "tagger")
    (folder / "selected_tags.csv").write_bytes(b"\xef\xbb\xbf" + csv_of().replace("\n", "\r\n").encode())
    assert len(load(models).scores(noise(4, 4))) == len(TAGS)


@pytest.mark.parametrize("place", ["../../secret.bin", "/etc/passwd", "weights.bin", ""])
def test_weights_in_another_file_are_never_opened(models, place):
    folder = make_tagger(models / "WD" / "tagger", external=place or "x")
    (folder / "weights.bin").write_bytes(tagger_weights().tobytes())
    with pytest.raises(UnusableFile, match="in other files, which are never opened"):
        load(models)


def wrap_in_function(inner):
    return field(25, field(7, field(5, field(5, inner))))


def wrap_in_branch(inner):
    """A graph in an attribute of a node, as If and Loop have them, and in that one the tensor."""
    graph = field(5, inner)
    return field(7, field(1, field(5, field(6, graph))))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: field(7, field(5, inner)),
        lambda inner: field(7, field(1, field(5, field(5, inner)))),
        lambda inner: field(7, field(1, field(5, field(10, inner)))),
        lambda inner: field(7, field(15, field(1, inner))),
        lambda inner: field(20, field(1, field(5, inner))),
        wrap_in_function,
        wrap_in_branch,
    ],
    ids=["initializer", "constant", "constants", "sparse", "training", "function", "branch"],
)
def test_a_tensor_elsewhere_is_found_wherever_it_stands(tmp_path, wrap):
    numbers = np.zeros(2, np.float32)
    path = tmp_path / "model.onnx"
    path.write_bytes(wrap(tensor("w", numbers)))
    check_onnx(path)
    path.write_bytes(wrap(tensor("w", numbers, external="x.bin")))
    with pytest.raises(UnusableFile, match="in other files"):
        check_onnx(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello, this is no model",
        b"\x80\x02cos\nsystem\n",
        onnx_tagger(tagger_weights())[:-40],
        b"\xff" * 64,
        field(7, b"\x0a" * 200),
    ],
    ids=["empty", "text", "pickle", "cut off", "endless number", "odd graph"],
)
def test_a_damaged_network_is_refused_with_a_sentence(models, content):
    folder = make_tagger(models / "WD" / "tagger")
    (folder / "model.onnx").write_bytes(content)
    with pytest.raises(UnusableFile, match=r"model\.onnx"):
        load(models)


def test_graphs_within_graphs_end_somewhere(tmp_path):
    inner = tensor("w", np.zeros(1, np.float32))
    graph = field(5, inner)
    for _ in range(200):
        graph = field(1, field(5, field(6, graph)))
    path = tmp_path / "model.onnx"
    path.write_bytes(field(7, graph))
    with pytest.raises(UnusableFile, match="cannot be read as an ONNX file"):
        check_onnx(path)


def test_a_pipe_in_place_of_the_network_is_not_waited_for(models):
    folder = make_tagger(models / "WD" / "tagger")
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")
    with pytest.raises(UnusableFile):
        check_onnx(folder / "model.onnx")


def test_a_network_that_takes_no_pictures_is_refused(models):
    make_tagger(models / "WD" / "tagger", tagger_weights(), channels=4)
    with pytest.raises(UnusableFile, match="takes no pictures as WD taggers do"):
        load(models)


def test_numbers_that_are_none_are_refused(models):
    weights = tagger_weights()
    weights[0, 0] = np.inf
    weights[1, 0] = -np.inf
    make_tagger(models / "WD" / "tagger", weights)
    with pytest.raises(Exception, match="no valid numbers"):
        load(models).scores(Image.new("RGB", (8, 8), "white"))
