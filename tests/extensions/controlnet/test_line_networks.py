"""PiDiNet, M-LSD and the anime line network, on files of random weights with the published names.

Their forwards were held against controlnet-aux's once, by hand: equal within 1e-7.
"""

import numpy as np
import pytest
import torch

from extensions.controlnet.preprocessors.networks import anime, mlsd, pidinet
from tests.extensions.controlnet.test_annotators import annotators, picture, processor, random_tensors

__all__ = ["annotators", "processor"]


def correlate(image, kernel):
    """Each pixel's sum over its neighbours by hand, zeros beyond the border."""
    reach = kernel.shape[0] // 2
    padded = np.pad(image, reach)
    return np.array(
        [
            [
                (padded[y : y + 2 * reach + 1, x : x + 2 * reach + 1] * kernel).sum()
                for x in range(image.shape[1])
            ]
            for y in range(image.shape[0])
        ]
    )


@pytest.mark.parametrize("kind", pidinet.KINDS)
def test_differences_are_those_of_the_paper(kind):
    weight = torch.randn(1, 1, 3, 3, generator=torch.Generator().manual_seed(1))
    conv = pidinet.DifferenceConv(kind, 1, 1)
    conv.weight.data = weight
    image = np.random.default_rng(0).normal(size=(7, 6)).astype(np.float32)
    found = conv(torch.from_numpy(image)[None, None])[0, 0].detach().numpy()
    w = weight[0, 0].numpy()
    kernel = np.zeros((5, 5), np.float32)
    if kind == "ring":
        places = [(row, column) for row in range(3) for column in range(3) if (row, column) != (1, 1)]
        # The weights but the first, in the order of the places around the middle.
        for (row, column), value in zip(places, w.ravel()[1:], strict=True):
            kernel[2 * row, 2 * column] += value
            kernel[row + 1, column + 1] -= value
    else:
        kernel[1:4, 1:4] = w
        if kind == "centre":
            kernel[2, 2] -= w.sum()
        elif kind == "angle":
            ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
            for number, (row, column) in enumerate(ring):
                before = ring[number - 1]
                kernel[row + 1, column + 1] -= w[before]
            kernel[2, 2] -= w[1, 1]
    assert np.allclose(found, correlate(image, kernel), atol=1e-5)


def test_pidinets_files_have_a_programs_names_and_are_read(processor, annotators):
    tensors = random_tensors(pidinet.PiDiNet())
    # As torch's DataParallel saved them, below a key.
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in tensors.items()}},
        annotators / "table5_pidinet.pth",
    )
    image = picture(128, 64)
    found = np.array(processor.run("pidinet", image, (64, -1, -1), None))
    network = pidinet.PiDiNet().eval()
    network.load_state_dict(tensors)
    blue_first = torch.from_numpy(np.array(image)[..., ::-1].copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        expected = network(blue_first)[0, 0].numpy() * 255
    assert np.abs(found[..., 0].astype(float) - expected).max() <= 1.01
    for module, levels in (("softedge_pidisafe", {0, 127, 255}), ("scribble_pidinet", {0, 255}),
                           ("t2ia_sketch_pidi", {0, 255})):  # fmt: skip
        assert set(np.unique(np.array(processor.run(module, image, (64, -1, -1), None)))) <= levels


def test_published_names():
    names = set(pidinet.PiDiNet().state_dict())
    assert {"init_block.weight", "block1_3.conv1.weight", "block2_1.shortcut.bias", "block4_4.conv2.weight",
            "dilations.3.conv2_4.weight", "attentions.0.conv2.weight", "conv_reduces.2.conv.bias",
            "classifier.weight"} <= names  # fmt: skip
    assert sum(value.numel() for value in pidinet.PiDiNet().state_dict().values()) == pytest.approx(
        0.71e6, rel=0.02
    )
    lines = {name: tuple(value.shape) for name, value in mlsd.LineSegments().state_dict().items()}
    assert lines["backbone.features.0.0.weight"] == (32, 4, 3, 3)
    assert lines["backbone.features.13.conv.2.weight"] == (96, 576, 1, 1)
    assert lines["block15.conv1.0.weight"] == (64, 96, 1, 1)
    assert lines["block22.conv2.1.running_var"] == (64,)
    assert lines["block23.conv3.weight"] == (16, 64, 1, 1)
    drawn = {name: tuple(value.shape) for name, value in anime.LineNetwork().state_dict().items()}
    assert drawn["model.model.0.weight"] == (64, 3, 4, 4)
    assert drawn["model.model.3.weight"] == (128, 1, 4, 4)
    deepest = "model.model" + ".1.model" + ".3.model" * 6
    assert drawn[f"{deepest}.1.weight"] == drawn[f"{deepest}.3.weight"] == (512, 512, 4, 4)


def test_lines_are_read_from_their_middles():
    maps = torch.full((1, 9, 32, 40), -9.0)
    maps[0, 1:] = 0
    for (row, column), sure, ends in (
        ((10, 20), 5.0, (-8, -2, 8, 2)),
        ((25, 7), -1.0, (0, -5, 0, 5)),
        ((25, 30), 5.0, (-0.1, 0, 0.1, 0)),
    ):
        maps[0, 0, row, column] = sure
        maps[0, 1:5, row, column] = torch.tensor(ends, dtype=torch.float32)
    assert mlsd.read_lines(maps, 0.1, 1.0).tolist() == [[12, 8, 28, 12], [7, 20, 7, 30]]
    assert mlsd.read_lines(maps, 0.9, 1.0).tolist() == [[12, 8, 28, 12]]
    assert mlsd.read_lines(maps, 0.999, 1.0).shape == (0, 4)


def test_straight_lines_are_drawn(processor, annotators):
    torch.save(mlsd.LineSegments().state_dict(), annotators / "mlsd_large_512_fp32.pth")
    found = np.array(processor.run("mlsd", picture(100, 64), (64, 0.01, 0.01), None))
    assert found.shape == (64, 100, 3) and set(np.unique(found)) <= {0, 255}


def test_anime_lines_are_white_on_black_at_the_pictures_size(processor, annotators):
    torch.manual_seed(0)
    network = anime.LineNetwork().eval()
    torch.save(
        {f"module.{name}": value for name, value in network.state_dict().items()}, annotators / "netG.pth"
    )
    image = picture(256, 256)
    found = np.array(processor.run("lineart_anime", image, (256, -1, -1), None))
    with torch.no_grad():
        drawn = network(torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 127.5 - 1)[0, 0]
    assert np.abs(found[..., 0] - (255 - (drawn.numpy() * 127.5 + 127.5))).max() <= 1.01
    assert np.array(processor.run("lineart_anime", picture(90, 64), (64, -1, -1), None)).shape == (64, 90, 3)
