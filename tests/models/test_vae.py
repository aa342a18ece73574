"""Decoding and encoding in too little memory. The VAE is small, with random weights as torch begins with."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from webui.core.errors import OutOfMemory
from webui.diffusion.adapters.tiling import Tiling as Seamless
from webui.diffusion.latents import SD1_LATENTS
from webui.library.recognise.dimensions import VaeDimensions
from webui.models.architectures.vae import build_vae
from webui.models.cpu.precision import EXACT
from webui.models.loader import build_vae_from, open_vae
from webui.models.module_weights import recast
from webui.models.out_of_memory import FORGET_S, MemoryLadder, Work
from webui.models.vae.tiles import TileLayout, spans
from webui.models.vae.vae import Vae
from webui.models.vae.vae_memory import (
    ON_CPU,
    SMALL_TILES,
    TILES,
    TINY_TILES,
    WHOLE,
    bytes_per_pixel,
    first_to_fit,
    vae_strategies,
    with_tiles,
)
from webui.models.vae.vae_tiles import Scale, blend_tiles, decode_in_seamless_tiles, decode_in_tiles

DIMENSIONS = VaeDimensions(3, 4, (32, 32, 64, 64), 1, True, True, True)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def module():
    """Weights as torch begins a layer with, so that signals neither vanish nor explode."""
    torch.manual_seed(0)
    module = build_vae(DIMENSIONS, SD1_LATENTS.scale).to_empty(device="cpu")
    for layer in module.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear | torch.nn.GroupNorm):
            layer.reset_parameters()
    return module.eval().requires_grad_(False)


@pytest.fixture
def told():
    return []


@pytest.fixture
def vae(module, told):
    return Vae(module, SD1_LATENTS, tell=told.append)


@pytest.fixture(scope="module")
def trained():
    """The bundled checkpoint's."""
    path = Path(__file__).parents[2] / "models" / "starter" / "starter.safetensors"
    return build_vae_from(open_vae(path, SD1_LATENTS, EXACT, CPU), lambda text: None)


def drawing() -> Tensor:
    """A picture (1, 3, 384, 320) in [0, 1]: sky above ground, a sun and a wall."""
    picture = torch.empty(1, 3, 384, 320)
    picture[:, :, :200] = torch.tensor([0.45, 0.65, 0.9])[:, None, None]
    picture[:, :, 200:] = torch.tensor([0.2, 0.45, 0.15])[:, None, None]
    rows, columns = torch.meshgrid(torch.arange(384), torch.arange(320), indexing="ij")
    picture[:, :, (rows - 80) ** 2 + (columns - 230) ** 2 < 50**2] = torch.tensor([1.0, 0.9, 0.3])[:, None]
    picture[:, :, 150:300, 40:130] = torch.tensor([0.6, 0.3, 0.25])[:, None, None]
    return picture


def smooth(channels: int, height: int, width: int) -> Tensor:
    """A picture-like thing (1, channels, height, width) of unit variance: broad shapes and some grain."""
    generator = torch.Generator().manual_seed(1)
    broad = torch.randn(1, channels, 6, 6, generator=generator)
    shapes = torch.nn.functional.interpolate(broad, size=(height, width), mode="bicubic")
    return shapes + 0.1 * torch.randn(1, channels, height, width, generator=generator)


def refusing(work: Callable[[Tensor], Tensor], most: int, error: Exception) -> Callable[[Tensor], Tensor]:
    """`work` that has memory for `most` pixels of what it is given."""

    def attempt(given: Tensor) -> Tensor:
        if given.shape[2] * given.shape[3] > most:
            raise error
        return work(given)

    return attempt


def starve(monkeypatch, vae: Vae, most: int, error: Exception) -> None:
    """Let the VAE decode at most so many latent pixels at once."""
    monkeypatch.setattr(vae, "_decode_one", refusing(vae._decode_one, most, error))


CUDA = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.")


@pytest.fixture(scope="module")
def drawn(trained):
    """A latent of a drawing, and its picture decoded as a whole."""
    latent = SD1_LATENTS.decode(trained.encode(drawing()))
    return latent, trained._decode_one(latent)


def test_a_tiled_picture_is_close_to_a_whole_one(trained, drawn):
    latent, whole = drawn
    for way, mean, most in ((SMALL_TILES, 1, 8), (TINY_TILES, 2, 30)):
        tiled = decode_in_tiles(trained.module, trained._decode_one, latent, way.tiling, Scale(1, 8))
        difference = (tiled.clamp(-1, 1) - whole.clamp(-1, 1)).abs() * 127.5
        # In levels of 255, measured on the bundled VAE: docs/hires.md.
        assert difference.mean() < mean, way
        assert difference.max() < most, way


def test_norms_of_one_picture_are_what_makes_tiles_alike(trained, drawn):
    latent, whole = drawn
    rows, columns = (spans(side, SMALL_TILES.tiling) for side in latent.shape[2:])
    apart = blend_tiles(trained._decode_one, latent, rows, columns, Scale(1, 8))
    together = decode_in_tiles(trained.module, trained._decode_one, latent, SMALL_TILES.tiling, Scale(1, 8))
    assert (together - whole).abs().mean() < 0.5 * (apart - whole).abs().mean()


def test_the_norms_are_their_own_again_after_tiles(trained, drawn):
    latent = drawn[0][:, :, :20, :20]
    before = trained._decode_one(latent)
    decode_in_tiles(trained.module, trained._decode_one, latent, TileLayout(16, 6), Scale(1, 8))
    assert torch.equal(trained._decode_one(latent), before)


def test_work_without_norms_is_the_same_in_tiles():
    torch.manual_seed(0)
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(4, 8, 3, padding=1),
        torch.nn.Upsample(scale_factor=2.0),
        torch.nn.Conv2d(8, 3, 3, padding=1),
    )
    given = torch.randn(1, 4, 50, 37)
    with torch.no_grad():
        tiled = decode_in_tiles(layers, layers, given, TileLayout(16, 6), Scale(1, 2))
        whole = layers(given)
    # The outermost pixels of a tile see its edge: they count for little.
    assert torch.allclose(tiled, whole, atol=0.1)
    assert (tiled - whole).abs().mean() < 0.005


def test_a_small_picture_is_one_tile(vae):
    latent = SD1_LATENTS.decode(smooth(4, 20, 30))
    tiled = decode_in_tiles(vae.module, vae._decode_one, latent, SMALL_TILES.tiling, Scale(1, 8))
    assert torch.allclose(tiled, vae._decode_one(latent), atol=1e-5)


def test_a_picture_whose_edges_fit_together_still_does_in_tiles():
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(4, 3, 3, padding=1, padding_mode="circular")
    given = torch.randn(1, 4, 48, 40)
    with torch.no_grad():
        tiled = decode_in_seamless_tiles(layer, layer, given, TileLayout(16, 6), Scale(1, 1))
        whole = layer(given)
    assert tiled.shape == whole.shape
    edges = [slice(0, 1), slice(-1, None)]
    for edge in edges:
        assert torch.allclose(tiled[:, :, edge], whole[:, :, edge], atol=0.15)
        assert torch.allclose(tiled[..., edge], whole[..., edge], atol=0.15)


def test_a_picture_that_does_not_fit_is_decoded_in_tiles_and_that_is_told(monkeypatch, vae, told):
    latent = smooth(4, 72, 40)
    whole = vae.decode(latent)
    starve(monkeypatch, vae, 64 * 40, CUDA)
    tiled = vae.decode(latent)
    assert (tiled - whole).abs().mean() < 10 / 255
    assert told == ["The memory was too small for the whole picture, so it was decoded in tiles."]


def test_smaller_tiles_follow_where_tiles_do_not_fit(monkeypatch, vae, told):
    starve(monkeypatch, vae, 32 * 32, CUDA)
    assert vae.decode(smooth(4, 40, 36)).shape == (1, 3, 320, 288)
    assert told == ["The memory was too small for the whole picture, so it was decoded in small tiles."]


def test_where_nothing_fits_a_sentence_says_so(monkeypatch, vae):
    starve(monkeypatch, vae, 10, CUDA)
    with pytest.raises(OutOfMemory, match="too little memory for a picture of this size to be decoded"):
        vae.decode(smooth(4, 40, 40))


def test_other_errors_of_the_vae_are_not_hidden(monkeypatch, vae):
    starve(monkeypatch, vae, 10, RuntimeError("weight is on another planet"))
    with pytest.raises(RuntimeError, match="another planet"):
        vae.decode(smooth(4, 40, 40))


def test_the_next_picture_of_that_size_begins_with_what_fitted_and_is_told_nothing(monkeypatch, vae, told):
    asked: list[int] = []
    decode_one = refusing(vae._decode_one, 64 * 24, CUDA)

    def counted(given: Tensor) -> Tensor:
        asked.append(given.shape[2] * given.shape[3])
        return decode_one(given)

    monkeypatch.setattr(vae, "_decode_one", counted)
    pictures = vae.decode(torch.cat([smooth(4, 72, 24)] * 2))
    assert torch.equal(pictures[0], pictures[1])
    assert asked.count(72 * 24) == 1
    assert len(told) == 1


def test_encoding_goes_in_tiles_too(monkeypatch, vae, told):
    image = smooth(3, 576, 256).sigmoid()
    whole = vae.encode(image)
    encode_one = refusing(vae._encode_one, 512 * 256, CUDA)
    monkeypatch.setattr(vae, "_encode_one", encode_one)
    tiled = vae.encode(image)
    assert tiled.shape == whole.shape == (1, 4, 72, 32)
    assert (tiled - whole).abs().mean() < 0.2 * whole.std()
    assert told == ["The memory was too small for the whole picture, so it was encoded in tiles."]


def test_on_the_processor_the_weights_are_in_32_bits_and_come_back(module):
    vae = Vae(module, SD1_LATENTS)
    module.to(torch.bfloat16)
    try:
        before = {name: weight.clone() for name, weight in module.named_parameters()}
        with recast(module, torch.float32, CPU):
            assert vae.dtype == torch.float32
        assert vae.dtype == torch.bfloat16
        assert all(torch.equal(before[name], weight) for name, weight in module.named_parameters())
    finally:
        module.float()


def test_seamless_pictures_are_noticed(monkeypatch, vae):
    starve(monkeypatch, vae, 32 * 32, CUDA)
    latent = smooth(4, 36, 24)
    with Seamless().attach(vae.module):
        seamless = vae.decode(latent)
    assert seamless.shape == (1, 3, 288, 192)
    across = (seamless[:, :, 0] - seamless[:, :, -1]).abs().mean()
    along = (seamless[:, :, 1:] - seamless[:, :, :-1]).abs().mean()
    plain = vae.decode(latent)
    assert across < (plain[:, :, 0] - plain[:, :, -1]).abs().mean()
    assert across < 20 * along


def test_after_a_while_the_whole_picture_is_tried_again():
    now, tried = [0.0], []

    def work(way):
        tried.append(way)
        if way is WHOLE and now[0] < 1:
            raise CUDA
        return "done"

    ladder, decoding = MemoryLadder(clock=lambda: now[0]), Work("decoded", lambda how: None, "")
    for now[0] in (0.0, 0.5, FORGET_S + 1):
        assert ladder.try_in_order(decoding, vae_strategies(CPU), work) == "done"
    assert tried == [WHOLE, TILES, TILES, WHOLE]


def test_a_device_has_the_processor_as_its_last_way():
    assert vae_strategies(torch.device("cuda"))[-1] is ON_CPU
    assert vae_strategies(CPU)[-1] is TINY_TILES


@pytest.mark.parametrize(
    ("free", "expected"),
    [(None, WHOLE), (256 * 256, WHOLE), (256 * 256 - 1, TILES), (64 * 64 - 1, SMALL_TILES), (0, TINY_TILES)],
)
def test_a_processor_begins_with_what_the_free_memory_allows(free, expected):
    choices = vae_strategies(CPU)
    assert choices[first_to_fit(choices, 256 * 256, 1, free)] is expected


def test_what_a_pixel_takes_is_as_measured():
    sd = (128, 256, 512, 512)
    assert bytes_per_pixel(sd, torch.float32) == pytest.approx(4100, rel=0.1)
    assert bytes_per_pixel(sd, torch.bfloat16) == pytest.approx(1630, rel=0.3)


def test_tiles_of_a_chosen_size_are_used_however_much_memory_there_is(monkeypatch, vae, told):
    latent, sides = smooth(4, 40, 36), []
    decode_one = vae._decode_one

    def watched(given: Tensor) -> Tensor:
        sides.append(max(given.shape[2:]))
        return decode_one(given)

    monkeypatch.setattr(vae, "_decode_one", watched)
    whole = vae.decode(latent)
    tiled = vae.decode(latent, tile=160)
    assert sides[0] == 40 and set(sides[1:]) == {20}
    assert (tiled - whole).abs().mean() < 10 / 255
    # The next picture without them is whole again, and nobody is told of a choice of their own.
    assert torch.equal(vae.decode(latent), whole)
    assert told == []


def test_chosen_tiles_encode_too_and_smaller_ones_follow_where_they_do_not_fit(monkeypatch, vae, told):
    image = smooth(3, 576, 256).sigmoid()
    whole = vae.encode(image)
    monkeypatch.setattr(vae, "_encode_one", refusing(vae._encode_one, 256 * 256, CUDA))
    tiled = vae.encode(image, tile=320)
    assert (tiled - whole).abs().mean() < 0.3 * whole.std()
    assert told == [
        "The memory was too small for tiles of the chosen size, so the picture was encoded in small tiles."
    ]


@pytest.mark.parametrize("side", [1, 16, 20, 48, 64, 100])
def test_after_chosen_tiles_come_only_smaller_ones(side):
    for device in (CPU, torch.device("cuda")):
        layouts = [each.tiling for each in with_tiles(vae_strategies(device), side) if not each.on_cpu]
        tiles = [layout.tile for layout in layouts if layout]
        assert len(tiles) == len(layouts)
        assert tiles[0] == max(side, 16) and tiles == sorted(set(tiles), reverse=True)
        assert all(layout.overlap < layout.tile / 2 for layout in layouts if layout)
    assert with_tiles(vae_strategies(CPU), 0) == vae_strategies(CPU)
