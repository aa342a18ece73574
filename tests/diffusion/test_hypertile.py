"""HyperTile beside the plain formula: attention of each tile by itself."""

from random import Random

import pytest
import torch
from diffusers.models.attention_processor import Attention
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from webui.diffusion.adapters.hypertile import (
    HyperTile,
    TileChoice,
    VaeHyperTile,
    choose_count,
    largest_tile,
    levels_of,
    tile_picture,
    tile_tokens,
    untile_picture,
    untile_tokens,
)
from webui.diffusion.adapters.token_merging import TokenMerging


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn1 = Attention(query_dim=8, heads=2, dim_head=4)

    def forward(self, hidden):
        return self.attn1(hidden)


class Network(nn.Module):
    """Attention at the finest level of two and in the middle, as a U-Net has it."""

    def __init__(self):
        super().__init__()
        self.unet = nn.Module()
        self.unet.down_blocks = nn.ModuleList([nn.ModuleList([Block()]), nn.ModuleList()])
        self.unet.mid_block = nn.Sequential(Block())

    def forward(self, latent):
        hidden = latent.flatten(2).transpose(1, 2)
        return self.unet.down_blocks[0][0](hidden)


@pytest.fixture
def network():
    torch.manual_seed(1)
    return Network().eval()


def plain(network, latent, rows, columns):
    """Each tile by itself, cut out of the picture."""
    batch, channels, height, width = latent.shape
    out = torch.zeros(batch, channels, height, width)
    for row in range(rows):
        for column in range(columns):
            down = slice(row * height // rows, (row + 1) * height // rows)
            across = slice(column * width // columns, (column + 1) * width // columns)
            tile = network(latent[:, :, down, across])
            out[:, :, down, across] = tile.transpose(1, 2).reshape(batch, channels, height // rows, -1)
    return out.flatten(2).transpose(1, 2)


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(32, 64), (64, 32), (48, 48)])
def test_each_tile_attends_to_itself_alone(network, height, width):
    latent = torch.randn(2, 8, height, width)
    random = Random(5)
    rows, columns = choose_count(random, height, 16, 3), choose_count(random, width, 16, 3)
    wanted = plain(network, latent, rows, columns)
    before = network(latent)
    with HyperTile(TileChoice(128, 3, 5), 3).attach(network):
        assert torch.allclose(network(latent), wanted, atol=1e-6)
    assert torch.equal(network(latent), before)
    assert not network.unet.down_blocks[0][0].attn1._forward_pre_hooks


@torch.no_grad()
def test_a_picture_of_one_tile_stays_as_it_is(network):
    latent = torch.randn(1, 8, 16, 16)
    before = network(latent)
    with HyperTile(TileChoice(256, 3, 5), 3).attach(network):
        assert torch.equal(network(latent), before)


@torch.no_grad()
def test_a_seed_chooses_the_same_sizes_again_which_change_from_step_to_step(network):
    latent = torch.randn(1, 8, 64, 64)
    tiling = HyperTile(TileChoice(128, 4, 3), 0)

    def run():
        with tiling.attach(network):
            return [network(latent) for _ in range(6)]

    first, again = run(), run()
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    assert len({one.sum().item() for one in first}) > 1


@torch.no_grad()
def test_merged_tokens_are_not_tiled(network):
    latent = torch.randn(1, 8, 32, 32)
    with TokenMerging(0.5).attach(network):
        wanted = network(latent)
        with HyperTile(TileChoice(128, 1, 3), 3).attach(network):
            assert torch.equal(network(latent), wanted)


def test_depths_count_levels_with_attention_and_the_middle_is_deepest():
    names = ["unet.down_blocks.0", "unet.down_blocks.1", "unet.down_blocks.2"]
    inside = "attentions.0.transformer_blocks.0.attn1"
    names += [
        f"unet.{each}.{inside}" for each in ("down_blocks.1", "down_blocks.2", "mid_block", "up_blocks.0")
    ]
    levels = levels_of(dict.fromkeys(names, nn.Identity()))
    assert [(level.halvings, level.depth) for level in levels.values()] == [(1, 0), (2, 1), (2, 2), (2, 1)]


def test_in_xl_the_later_transformers_of_the_finest_level_count_to_the_next():
    names = ["unet.down_blocks.0", "unet.down_blocks.1", "unet.down_blocks.2"]
    places = {"down_blocks.1": (0, 1), "down_blocks.2": (0, 9), "mid_block": (0, 9), "up_blocks.1": (0, 1)}
    names += [
        f"unet.{place}.attentions.0.transformer_blocks.{at}.attn1"
        for place, blocks in places.items()
        for at in blocks
    ]
    depths = [level.depth for level in levels_of(dict.fromkeys(names, nn.Identity())).values()]
    assert depths == [0, 1, 1, 1, 2, 2, 0, 1]


@given(st.integers(1, 200), st.integers(1, 64), st.integers(0, 8), st.integers(0, 1000))
def test_tiles_are_whole_and_not_below_the_least(side, least, options, seed):
    count = choose_count(Random(seed), side, least, options)
    assert side % count == 0
    assert side // count >= min(least, side)
    if options <= 1:
        assert all(side % tile for tile in range(min(least, side), side // count))


def test_the_largest_tile_is_a_power_of_two_that_parts_both_sides():
    assert largest_tile(1024, 1536, 4096) == 512
    assert largest_tile(1024, 1536, 256) == 256
    assert largest_tile(520, 512, 256) == 8


@torch.no_grad()
def test_tokens_and_pictures_come_back_from_their_tiles():
    hidden, picture = torch.randn(2, 6 * 8, 3), torch.randn(2, 3, 6, 8)
    assert torch.equal(untile_tokens(tile_tokens(hidden, 6, 8, 3, 2), 6, 8, 3, 2), hidden)
    assert torch.equal(untile_picture(tile_picture(picture, 3, 2), 3, 2), picture)
    assert torch.equal(tile_picture(picture, 3, 2)[1], picture[0, :, :2, 4:])


@torch.no_grad()
def test_a_decoders_attention_is_tiled_as_its_tiles_by_themselves():
    torch.manual_seed(1)
    vae = nn.Module()
    vae.decoder = nn.Module()
    vae.decoder.mid_block = nn.Module()
    attention = Attention(8, heads=1, dim_head=8, norm_num_groups=2, residual_connection=True).eval()
    vae.decoder.mid_block.attentions = nn.ModuleList([attention])
    hidden = torch.randn(1, 8, 32, 32)
    halves = [[part.contiguous() for part in half.split(16, dim=3)] for half in hidden.split(16, dim=2)]
    wanted = torch.cat([torch.cat([attention(part) for part in half], dim=3) for half in halves], dim=2)
    with VaeHyperTile(TileChoice(128, 1, 0)).attach(vae):
        assert torch.allclose(attention(hidden), wanted, atol=1e-6)
    assert not torch.allclose(attention(hidden), wanted, atol=1e-6)
