"""Tiled diffusion against diffusers' views and weights, and against the network without tiles."""

from contextlib import closing
from typing import Any

import pytest
import torch
from diffusers.pipelines.deprecated.stable_diffusion_panorama.pipeline_stable_diffusion_panorama import (
    StableDiffusionPanoramaPipeline,
)
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from extensions.tiled_diffusion.part import TiledDiffusion, TiledVae
from extensions.tiled_diffusion.tiles import TiledNetwork, bell, find_tiles
from tests.extensions.running import request_with, sample, with_extensions
from webui.core.events import ImageReady
from webui.core.infotext import parse_fields
from webui.core.settings import Settings
from webui.pipelines.generate.generate import generate
from webui.plugins import specs
from webui.plugins.host import Plugins
from webui.ui.generation import fields_of_infotext

TEXT = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(0))
METHODS = ["MultiDiffusion", "Mixture of Diffusers"]


def tiled(**changes: Any) -> TiledDiffusion:
    fields = {"enabled": True, "tile_width": 16, "tile_height": 16, "overlap": 8}
    return TiledDiffusion(**fields | changes)


def evaluate(network: Any, part: TiledDiffusion, latent: Tensor, **residuals: Any) -> Tensor:
    return TiledNetwork(part)(network)(
        latent, torch.ones(len(latent)), TEXT[: len(latent)], None, **residuals
    )


@given(st.integers(1, 90), st.integers(1, 90), st.integers(16, 64), st.integers(16, 64), st.integers(0, 252))
def test_tiles_cover_every_cell_and_lie_inside(
    height: int, width: int, tile_height: int, tile_width: int, overlap: int
) -> None:
    part = tiled(tile_height=tile_height, tile_width=tile_width, overlap=overlap)
    seen = torch.zeros(height, width)
    for tile in find_tiles(height, width, part):
        assert 0 <= tile.top <= tile.top + tile.height <= height
        assert 0 <= tile.left <= tile.left + tile.width <= width
        seen[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] += 1
    assert (seen > 0).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("at_once", [1, 3, 8])
def test_a_network_that_looks_at_each_cell_by_itself_gives_the_same_in_tiles(
    method: Any, at_once: int
) -> None:
    latent = torch.randn(2, 4, 40, 53, generator=torch.Generator().manual_seed(1))
    rows = []

    def network(
        tiles: Tensor, timestep: Tensor, crossattn: Tensor, vector: None, control: Any, text: Any
    ) -> Tensor:
        rows.append(len(tiles))
        # Each row with its own text and control.
        return tiles * 3 + crossattn.mean(dim=(1, 2))[:, None, None, None] + control[0] + text.mean()

    control = (torch.randn(2, 4, 40, 53),)
    part = tiled(method=method, tile_batch_size=at_once)
    found = evaluate(network, part, latent, control=control, text=TEXT)
    expected = latent * 3 + TEXT.mean(dim=(1, 2))[:, None, None, None] + control[0] + TEXT.mean()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert max(rows) == 2 * at_once


def test_residuals_of_coarser_layers_are_cropped_to_the_tile() -> None:
    sizes = []

    def network(tiles: Tensor, *others: Any, control: Any) -> Tensor:
        sizes.extend(tuple(each.shape[-2:]) for each in control)
        return tiles

    control = tuple(torch.zeros(2, 3, 40 // 2**level, 56 // 2**level) for level in range(4))
    evaluate(network, tiled(tile_batch_size=1), torch.zeros(2, 4, 40, 56), control=control)
    assert set(sizes) == {(16, 16), (8, 8), (4, 4), (2, 2)}


def test_multidiffusion_equals_diffusers_views_and_means() -> None:
    latent = torch.randn(1, 4, 40, 56, generator=torch.Generator().manual_seed(2))

    def network(tiles: Tensor, *others: Any) -> Tensor:
        return tiles.cumsum(dim=-1) + tiles.cumsum(dim=-2)

    found = evaluate(network, tiled(), latent)
    views = StableDiffusionPanoramaPipeline.get_views(None, 40 * 8, 56 * 8, window_size=16, stride=8)
    value, count = torch.zeros_like(latent), torch.zeros_like(latent)
    for top, bottom, left, right in views:
        value[:, :, top:bottom, left:right] += network(latent[:, :, top:bottom, left:right])
        count[:, :, top:bottom, left:right] += 1
    torch.testing.assert_close(found, value / count, rtol=1e-5, atol=1e-5)


def test_mixture_of_diffusers_weighs_by_the_published_bell() -> None:
    from math import exp

    weights = bell(16, 24)
    for row, column in ((0, 0), (3, 20), (15, 11)):
        across = exp(-((column - 11.5) ** 2) / (24 * 24) / 0.02)
        down = exp(-((row - 7.5) ** 2) / (16 * 16) / 0.02)
        assert float(weights[row, column]) == pytest.approx(across * down, rel=1e-5)


@pytest.mark.parametrize("model", ["tiny-sd15", "tiny-sdxl"])
def test_one_tile_that_covers_everything_is_bit_equal_to_none(context: Any, model: str) -> None:
    request = {"model": model, "width": 128, "height": 128, "batch_size": 2}
    plain = sample(context, request_with(**request), "tiled_diffusion")
    part = tiled(method="Mixture of Diffusers")
    assert torch.equal(plain, sample(context, request_with(part, **request), "tiled_diffusion"))


@pytest.mark.parametrize("sampler", ["Euler a", "DPM++ 2M SDE", "DDIM", "UniPC"])
def test_it_runs_with_any_sampler_and_only_tiles_reach_the_network(context: Any, sampler: str) -> None:
    own, watcher = with_extensions(context, "tiled_diffusion")
    sizes: set[tuple[int, ...]] = set()
    request = request_with(tiled(tile_batch_size=1), sampler=sampler, width=192, height=256)
    events = generate(request, own)
    hook = None
    with closing(events):
        for _ in events:
            if watcher.denoisings and hook is None:
                hook = watcher.denoisings[0].network.register_forward_pre_hook(
                    lambda module, args: sizes.add(tuple(args[0].shape))
                )
            if watcher.latents:
                break
    assert hook is not None
    hook.remove()
    assert watcher.latents[0].shape == (1, 4, 32, 24)
    assert watcher.latents[0].isfinite().all()
    # Both prompts at once, and never more than a tile: the memory of a small picture.
    assert sizes == {(2, 4, 16, 16)}


def test_hires_and_all_guidance_run_in_tiles(context: Any) -> None:
    from tests.extensions.test_guidance import KINDS

    part = tiled(tile_width=16, tile_height=16)
    request = request_with(
        part, *KINDS.values(), width=128, height=192, hires={"scale": 1.5, "upscaler": "Latent", "steps": 2}
    )
    latent = sample(context, request, "tiled_diffusion", "guidance")
    assert latent.shape == (1, 4, 36, 24)
    assert latent.isfinite().all()


def test_infotext_and_arguments_round_trip() -> None:
    part = tiled(method="Mixture of Diffusers", tile_batch_size=2)
    assert TiledDiffusion.from_infotext(part.to_infotext()) == part
    head = "a\nSteps: 1, Sampler: Euler, Seed: 1, "
    text = head + 'Tiled Diffusion: "{\\"Method\\": \\"MultiDiffusion\\", \\"Tile tile width\\": 64}"'
    found = TiledDiffusion.from_infotext(parse_fields(text))
    assert found == TiledDiffusion(enabled=True, tile_width=64)
    assert TiledDiffusion.from_infotext({}) is None
    assert TiledDiffusion.from_infotext({"Tiled Diffusion": "3"}) is None
    forge = TiledDiffusion.from_args([True, "MultiDiffusion", 64, 32, 16, 2])
    assert (forge.tile_width, forge.tile_height, forge.overlap, forge.tile_batch_size) == (64, 32, 16, 2)
    a1111 = [True, "MultiDiffusion", False, True, 1024, 1024, 64, 32, 16, 2, "None", 2]
    assert TiledDiffusion.from_args(a1111) == forge


def sides_of_the_vae(context: Any, request: Any) -> tuple[set[int], set[int], Any]:
    """Longest sides of what the VAE encoded and decoded in a run, and its pictures."""
    own, _ = with_extensions(context, "tiled_diffusion")
    encoded: set[int] = set()
    decoded: set[int] = set()
    with own.models.use(request.model, request.vae) as sd:
        hooks = [
            module.register_forward_pre_hook(lambda _, args, seen=seen: seen.add(max(args[0].shape[-2:])))
            for module, seen in ((sd.vae.module.encoder, encoded), (sd.vae.module.decoder, decoded))
        ]
        try:
            made = [event for event in generate(request, own) if isinstance(event, ImageReady)]
        finally:
            for hook in hooks:
                hook.remove()
    return encoded, decoded, made


def test_the_vae_takes_tiles_when_asked_and_the_infotext_gives_the_switch_back(context: Any) -> None:
    picture = context.inputs.add_image(Image.new("RGB", (192, 256), "teal"))
    request = request_with(width=192, height=256, init_images=[picture], denoising_strength=0.5)
    part = TiledVae(enabled=True, encoder_tile_size=160, decoder_tile_size=16)
    encoded, decoded, plain = sides_of_the_vae(context, request)
    assert (encoded, decoded) == ({256}, {32})
    encoded, decoded, made = sides_of_the_vae(context, part.put_into(request))
    assert (encoded, decoded) == ({160}, {16})
    assert "VAE encoder tile" not in plain[0].infotext
    assert TiledVae.from_infotext(parse_fields(made[0].infotext)) == part
    # The settings' way writes the same.
    options = request.options.model_copy(update={"vae_encoder_tile": 160, "vae_decoder_tile": 128})
    encoded, decoded, set_so = sides_of_the_vae(context, request.model_copy(update={"options": options}))
    assert (encoded, decoded) == ({160}, {16})
    assert set_so[0].infotext == made[0].infotext
    assert set_so[0].image.tobytes() == made[0].image.tobytes()


def test_arguments_of_tiled_vae_are_a1111s() -> None:
    part = TiledVae.from_args([True, 1536, 96, True, True, True, False])
    assert part == TiledVae(enabled=True, encoder_tile_size=1536, decoder_tile_size=96)
    assert TiledVae.from_infotext({"VAE decoder tile": "512"}) == TiledVae(
        enabled=True, encoder_tile_size=0, decoder_tile_size=64
    )
    assert TiledVae.from_infotext({"VAE decoder tile": "wide"}) is None


def test_pasted_tiles_go_into_the_form_and_not_into_the_overrides_as_well() -> None:
    plugins = Plugins(specs)
    plugins.parts[TiledVae.key] = TiledVae
    text = "a cat\nSteps: 3, Sampler: Euler, Seed: 1, Size: 64x64, Clip skip: 2, VAE decoder tile: 128"
    chips = ["Clip skip: 2"]
    shown = fields_of_infotext(text, Settings(), plugins)
    assert [each for each in shown["override_settings"] if each.startswith(("VAE", "Clip"))] == chips
    # Where the extension is off, the setting says it.
    shown = fields_of_infotext(text, Settings(), Plugins(specs))
    assert "VAE decoder tile: 128" in shown["override_settings"]
