"""Preprocessors with networks, on files of random weights in their makers' layout."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional
from transformers import DepthAnythingForDepthEstimation

from extensions.controlnet.preprocessors import PREPROCESSORS, preprocess
from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.networks import depth, hed, leased, sketch
from extensions.controlnet.routes import Processor
from webui.core.flags import read_flags
from webui.library.catalog.folders import ModelFolders
from webui.plugins import NotFound, UnusableFile

WEIGHTED = [name for name, entry in PREPROCESSORS.items() if entry.weights]


@pytest.fixture
def processor(tmp_path):
    """A processor with no files but those that a test puts into `annotators`."""
    paths = read_flags(["--data-dir", str(tmp_path)])[0].paths(tmp_path)
    return Processor(SimpleNamespace(folders=ModelFolders.of(paths), all_files=lambda kind: []))


@pytest.fixture
def annotators(tmp_path):
    folder = tmp_path / "models" / "ControlNet" / "annotators"
    folder.mkdir(parents=True)
    return folder


def picture(width=97, height=64):
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8))


def random_tensors(network, seed=0):
    torch.manual_seed(seed)
    return {key: torch.randn(value.shape) * 0.05 for key, value in network.state_dict().items()}


@pytest.mark.parametrize("name", WEIGHTED)
def test_a_missing_file_is_told(processor, name):
    weight = PREPROCESSORS[name].weights[0]
    with pytest.raises(NotFound) as refusal:
        processor.run(name, picture(), (64, -1, -1), None)
    assert all(part in str(refusal.value) for part in (weight.file, weight.page, weight.licence))


def test_edges_are_those_of_the_published_formula(processor, annotators):
    tensors = random_tensors(hed.EdgeNetwork())
    torch.save(tensors, annotators / "ControlNetHED.pth")
    image = picture(128, 64)
    found = np.array(processor.run("softedge_hed", image, (64, -1, -1), None))
    state = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() - tensors["norm"]
    seen = []
    for block, count in enumerate((2, 2, 3, 3, 3), start=1):
        if block > 1:
            state = functional.max_pool2d(state, (2, 2), (2, 2))
        for number in range(count):
            name = f"block{block}.convs.{number}"
            state = functional.conv2d(
                state, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=1
            ).relu()
        name = f"block{block}.projection"
        edge = functional.conv2d(state, tensors[f"{name}.weight"], tensors[f"{name}.bias"])
        seen.append(functional.interpolate(edge, (64, 128), mode="bilinear"))
    expected = torch.stack(seen).mean(0).sigmoid()[0, 0].numpy() * 255
    assert found.shape == (64, 128, 3)
    assert np.abs(found[..., 0].astype(float) - expected).max() <= 1.01


def test_safe_edges_have_few_steps(processor, annotators):
    torch.save(random_tensors(hed.EdgeNetwork(), 3), annotators / "ControlNetHED.pth")
    values = np.unique(np.array(processor.run("softedge_hedsafe", picture(), (64, -1, -1), None)))
    assert set(values.tolist()) <= {0, 127, 255}
    strokes = np.unique(np.array(processor.run("scribble_hed", picture(), (64, -1, -1), None)))
    assert set(strokes.tolist()) <= {0, 255}


@pytest.mark.parametrize(
    ("module", "file"), [("lineart", "sk_model.pth"), ("lineart_coarse", "sk_model2.pth")]
)
def test_drawings_are_white_on_black_at_the_pictures_size(processor, annotators, module, file):
    network = sketch.Sketcher().eval()
    (annotators / "lineart").mkdir()
    torch.save(network.state_dict(), annotators / "lineart" / file)
    image = picture(128, 64)
    found = np.array(processor.run(module, image, (64, -1, -1), None))
    with torch.no_grad():
        drawn = network(torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255)[0, 0]
    assert np.abs(found[..., 0].astype(float) - (1 - drawn.numpy()) * 255).max() <= 1.01


def test_the_sketcher_has_the_names_of_the_published_file():
    names = set(sketch.Sketcher().state_dict())
    assert {"model0.1.weight", "model1.0.weight", "model1.3.weight", "model2.2.conv_block.5.bias",
            "model3.0.weight", "model3.3.bias", "model4.1.weight"} <= names  # fmt: skip
    assert len(names) == 2 * (1 + 2 + 6 + 2 + 1)


def save_as_published(network, path):
    """Transformers writes the names that files are published with, whatever its layers are called today."""
    network.save_pretrained(path.with_name("saved"))
    (path.with_name("saved") / "model.safetensors").rename(path)


def test_depth_is_that_of_transformers_from_a_published_file(annotators, processor, monkeypatch):
    small = (4, 2, [1, 2, 3, 4], [4, 8, 8, 8], 8)
    monkeypatch.setitem(depth.SIZES, 384, small)
    monkeypatch.setattr(depth, "DEPTH_ANYTHING", replace(depth.DEPTH_ANYTHING, side=140))
    torch.manual_seed(0)
    config = depth.configure_depth_anything({depth.CLS: torch.zeros(1, 1, 384)})
    network = DepthAnythingForDepthEstimation(config).eval()
    path = annotators / "depth_anything_v2_small.safetensors"
    save_as_published(network, path)
    assert "backbone.encoder.layer.0.attention.attention.query.weight" in load_file(path)
    image = picture(90, 60)
    found = np.array(processor.run("depth_anything", image, (64, -1, -1), None))
    assert found.shape == (64, 96, 3)
    pixels = np.array(image.resize((96, 64), Image.Resampling.BICUBIC))
    with torch.no_grad():
        expected = network(pixel_values=depth.prepare(pixels, depth.DEPTH_ANYTHING)).predicted_depth[0]
    assert found.min() == 0 and found.max() == 255
    near = functional.interpolate(expected[None, None], (64, 96), mode="bicubic")[0, 0].numpy()
    assert np.corrcoef(near.ravel(), found[..., 0].ravel())[0, 1] > 0.98
    # Those who saved it with today's names have the same network.
    save_file(network.state_dict(), path)
    assert np.array_equal(np.array(processor.run("depth_anything", image, (64, -1, -1), None)), found)


@given(across=st.floats(-3, 3), down=st.floats(-3, 3), background=st.sampled_from([0.0, 0.5, 1.0]))
def test_a_slope_faces_away_from_where_it_rises(across, down, background):
    rows, columns = np.mgrid[:9, :11].astype(np.float32)
    plane = across * columns + down * rows
    found = depth.find_normals(plane, background)[1:-1, 1:-1].astype(float) / 127.5 - 1
    # Sobel's sums are eight times the slope.
    way = np.array([8 * across, 8 * down, depth.STEEPNESS])
    sloped, flat = way / np.linalg.norm(way), np.array([0, 0, 1.0])
    near = plane[1:-1, 1:-1] >= plane.min() + background * (plane.max() - plane.min())
    away = plane[1:-1, 1:-1] < plane.min() + background * (plane.max() - plane.min()) - 1e-3
    if not background:
        assert np.abs(found[near] - sloped).max() < 0.02
    if away.any():
        assert np.abs(found[away] - flat).max() < 0.02


def test_a_file_with_other_weights_is_refused(processor, annotators):
    torch.save({"norm": torch.zeros(1, 3, 1, 1)}, annotators / "ControlNetHED.pth")
    with pytest.raises(UnusableFile, match="does not hold the weights"):
        processor.run("softedge_hed", picture(), (64, -1, -1), None)


def test_a_file_with_code_is_not_opened(processor, annotators):
    torch.save({"norm": nn.Linear(1, 1)}, annotators / "ControlNetHED.pth")
    with pytest.raises(UnusableFile):
        processor.run("softedge_hed", picture(), (64, -1, -1), None)


def test_networks_are_leased_from_the_context(annotators, processor):
    path = annotators / "ControlNetHED.pth"
    torch.save(random_tensors(hed.EdgeNetwork()), path)
    inputs = PreprocessorInputs(np.zeros((64, 64, 3), np.uint8), 64, 0, 0, context=processor, weights=(path,))
    with leased.lease(inputs, hed.EdgeNetwork, path) as network:
        held = leased.AnnotatorNetwork(network)
        assert held.size_bytes == sum(value.numel() * 4 for value in network.state_dict().values())
        assert held.modules() == [network]
        assert not any(parameter.requires_grad for parameter in network.parameters())


def test_without_a_context_the_file_is_said_to_be_missing():
    with pytest.raises(NotFound):
        preprocess("lineart", picture())
