"""Upscalers: every architecture is told, loaded and run, in tiles as in one piece."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.library.picture_files import NETWORKS, catalog_of, weights, write
from webui.core.errors import InvalidRequest, ModelNotFound, OutOfMemory, UnusableFile
from webui.core.model_file import ModelKind
from webui.core.stop import Stop
from webui.library.catalog.upscaler_names import find_restorer, scale_in_name, upscaler_names
from webui.models.images.upscalers import Upscalers, target_size
from webui.models.vae.tiles import TileDone, TileLayout, fades, run_in_tiles, spans

CPU = torch.device("cpu")
# Networks that look at the mean of all they see: tiles may differ from the whole everywhere.
LOOK_AT_EVERYTHING = {"RealCUGAN", "OmniSR", "SAFMN"}
# Nearer to a tile's edge than this, a result may differ from that of the whole.
NEAR_SEAM = 16
TILE, OVERLAP = 96, 32


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """Waves with a little noise; neither side is a multiple of anything."""
    y, x = np.mgrid[0:85, 0:133]
    waves = np.stack([np.sin(x / 7 + y / 11), np.cos(x / 5), np.sin(y / 6)], -1) * 100 + 127
    noise = np.random.default_rng(0).normal(0, 8, waves.shape)
    return Image.fromarray((waves + noise).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def upscalers(tmp_path_factory) -> Upscalers:
    """One file of each architecture; ESRGAN twice, in both formats."""
    models = tmp_path_factory.mktemp("models")
    for name in NETWORKS:
        write(
            models / "ESRGAN",
            f"{name}.pth" if name in ("SwinIR", "DAT") else f"{name}.safetensors",
            weights(name),
        )
    write(models / "RealESRGAN", "RealESRGAN_x4plus.pth", weights("ESRGAN"))
    write(
        models / "GFPGAN",
        "GFPGANv1.4.pth",
        {"toRGB.0.weight": torch.zeros(1), "stylegan_decoder.style_mlp.1.weight": torch.zeros(1)},
    )
    return Upscalers(catalog_of(models), CPU)


def run(upscalers: Upscalers, image: Image.Image, name: str, tile: int) -> Image.Image:
    """Once through a network; sides are multiples of 8, so nothing is resampled afterwards."""
    scale = NETWORKS["ESRGAN" if name == "ESRGAN_4x" else name][1]
    return upscalers.upscale(image, scale, name, tile=tile, overlap=OVERLAP)


def away_from_seams(size: int, window: int, scale: int) -> np.ndarray:
    """Along one side: whether a pixel is far from every tile's edge that lies inside the picture."""
    x, far = np.arange(size), np.ones(size, bool)
    for begin, end in spans(size, TileLayout(TILE, OVERLAP, window)):
        for edge in {begin, end} - {0, size}:
            far &= abs(x - edge) >= NEAR_SEAM
    return far.repeat(scale)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_is_known_by_its_content(upscalers, name):
    file = next(file for file in upscalers.catalog.files() if file.stem == name)
    assert (file.kind, file.architecture) == (ModelKind.UPSCALER, name)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_scale_is_that_of_the_network(upscalers, name):
    file = next(file for file in upscalers.catalog.files() if file.stem == name)
    assert upscalers.network(file).scale == NETWORKS[name][1]


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in LOOK_AT_EVERYTHING])
def test_tiles_give_what_the_whole_gives_away_from_seams(upscalers, photo, name):
    shown = "ESRGAN_4x" if name == "ESRGAN" else name
    photo = photo.resize((168, 136))
    whole, tiled = (np.asarray(run(upscalers, photo, shown, tile), int) for tile in (0, TILE))
    file = next(file for file in upscalers.catalog.files() if file.stem == name)
    network = upscalers.network(file)
    rows, columns = (
        away_from_seams(side // network.scale, network.window, network.scale) for side in whole.shape[:2]
    )
    far = rows[:, None] & columns[None]
    assert whole.std() > 5
    assert far.mean() > 0.05
    assert abs(whole - tiled)[far].max() <= 1


@pytest.mark.parametrize("name", NETWORKS)
def test_a_picture_of_one_pixel_becomes_larger(upscalers, name):
    shown = "ESRGAN_4x" if name == "ESRGAN" else name
    scale = NETWORKS[name][1]
    result = upscalers.upscale(Image.new("RGB", (1, 1), "red"), scale, shown, tile=TILE, overlap=8)
    assert result.size == (scale, scale)


def test_an_odd_size_is_brought_to_the_multiple_of_8_below(upscalers, photo):
    result = upscalers.upscale(photo, 2, "Compact", tile=TILE, overlap=8)
    assert photo.size == (133, 85)
    assert result.size == (264, 168)


def test_the_network_runs_until_the_size_is_reached(upscalers):
    steps = upscalers.steps(Image.new("RGB", (16, 16)), 8, "Compact", tile=0, overlap=0)
    assert list(steps) == [TileDone(1, 1)] * 3


def test_a_smaller_scale_than_1_runs_no_network(upscalers, photo):
    assert list(upscalers.steps(photo, 0.5, "Compact", tile=0, overlap=0)) == []


def test_a_scale_of_1_shows_what_the_network_does(upscalers, photo):
    assert len(list(upscalers.steps(photo, 1, "Compact", tile=0, overlap=0))) == 1


def test_transparency_is_enlarged_apart(upscalers, photo):
    photo = photo.crop((0, 0, 128, 80))
    alpha = Image.linear_gradient("L").resize(photo.size)
    see_through = photo.copy()
    see_through.putalpha(alpha)
    result = upscalers.upscale(see_through, 2, "Compact", tile=TILE, overlap=8)
    plain = upscalers.upscale(photo, 2, "Compact", tile=TILE, overlap=8)
    assert result.mode == "RGBA"
    assert result.convert("RGB").tobytes() == plain.tobytes()
    of_alpha = upscalers.upscale(alpha, 2, "Compact", tile=TILE, overlap=8)
    assert result.getchannel("A").tobytes() == of_alpha.tobytes()


def test_an_opaque_picture_stays_opaque(upscalers, photo):
    result = upscalers.upscale(photo.convert("RGBA"), 2, "Compact", tile=TILE, overlap=8)
    assert result.getchannel("A").getextrema() == (255, 255)


@pytest.mark.parametrize(
    ("mode", "becomes"), [("L", "L"), ("LA", "LA"), ("P", "RGB"), ("1", "L"), ("CMYK", "RGB")]
)
def test_other_kinds_of_pictures_are_taken_too(upscalers, photo, mode, becomes):
    given = photo.convert("L").convert(mode) if mode in ("1", "LA") else photo.convert(mode)
    assert upscalers.upscale(given, 2, "Compact", tile=0, overlap=0).mode == becomes


def test_lanczos_and_nearest_resample(upscalers, photo):
    for name, method in (("Lanczos", Image.Resampling.LANCZOS), ("Nearest", Image.Resampling.NEAREST)):
        exact = photo.resize((int(133 * 1.5), int(85 * 1.5)), method).resize(
            (192, 120), Image.Resampling.LANCZOS
        )
        assert upscalers.upscale(photo, 1.5, name, tile=0, overlap=0).tobytes() == exact.tobytes()


def test_none_is_lanczos_at_once(upscalers, photo):
    exact = photo.resize((192, 120), Image.Resampling.LANCZOS)
    assert upscalers.upscale(photo, 1.5, "None", tile=0, overlap=0).tobytes() == exact.tobytes()


def test_names_are_those_of_a1111_where_it_has_one(upscalers):
    names = upscaler_names(upscalers.catalog)
    assert names[:3] == ["None", "Lanczos", "Nearest"]
    assert {"R-ESRGAN 4x+", "ESRGAN_4x", "Compact", "SwinIR"} <= set(names)
    assert len(names) == len(set(names))


def test_a_file_is_found_by_its_own_name_too(upscalers, photo):
    by_file = upscalers.upscale(photo, 4, "RealESRGAN_x4plus", tile=0, overlap=0)
    assert by_file.tobytes() == upscalers.upscale(photo, 4, "R-ESRGAN 4x+", tile=0, overlap=0).tobytes()


def test_an_unknown_name_hears_of_the_nearest(upscalers, photo):
    with pytest.raises(ModelNotFound, match="Did you mean 'Compact'"):
        upscalers.upscale(photo, 2, "Compakt", tile=0, overlap=0)


def test_a_stopped_job_gets_the_picture_resampled(upscalers, photo):
    stop = Stop()
    stop.stop()
    result = upscalers.upscale(photo, 2, "Compact", tile=TILE, overlap=8, stop=stop)
    assert result.tobytes() == photo.resize((264, 168), Image.Resampling.LANCZOS).tobytes()


def test_too_large_a_result_is_refused_before_any_work(upscalers):
    with pytest.raises(InvalidRequest, match="64000 x 64000"):
        upscalers.upscale(Image.new("1", (8000, 8000)), 8, "Compact", tile=TILE, overlap=8)


def test_a_target_of_less_than_8_pixels_is_kept():
    assert target_size((1, 20), 4) == (4, 80)


def test_a_damaged_file_is_refused_with_a_sentence(tmp_path, photo):
    tensors = weights("Compact")
    del tensors["body.2.weight"]
    write(tmp_path / "ESRGAN", "broken.safetensors", tensors)
    with pytest.raises(UnusableFile, match=r"broken\.safetensors is incomplete or damaged"):
        Upscalers(catalog_of(tmp_path), CPU).upscale(photo, 2, "broken", tile=0, overlap=0)


def test_a_pickle_that_runs_code_is_not_opened(tmp_path):
    class Harm:
        def __reduce__(self):
            return print, ("harm",)

    folder = tmp_path / "ESRGAN"
    folder.mkdir()
    torch.save({"params_ema": weights("Compact"), "more": Harm()}, folder / "harm.pth")
    (refused,) = catalog_of(tmp_path).unusable()
    assert "possibly program code" in str(refused.reason)


def test_a_checkpoint_in_the_upscalers_folder_is_no_upscaler(golden_models):
    catalog = catalog_of(golden_models.parent)
    assert upscaler_names(catalog) == ["None", "Lanczos", "Nearest"]


def test_what_only_runs_under_a_non_free_licence_says_so(tmp_path):
    write(
        tmp_path / "Codeformer",
        "codeformer-v0.1.0.pth",
        {
            key: torch.zeros(2, 2)
            for key in ("position_emb", "quantize.embedding.weight", "encoder.blocks.0.weight")
        },
    )
    catalog = catalog_of(tmp_path)
    file = find_restorer(catalog, "CodeFormer")
    assert (file.kind, file.architecture) == (ModelKind.FACE_RESTORER, "CodeFormer")
    with pytest.raises(UnusableFile, match="CodeFormer"):
        Upscalers(catalog, CPU).network(file)


def test_half_precision_that_gives_no_numbers_goes_on_in_32_bits(upscalers, photo):
    file = next(file for file in upscalers.catalog.files() if file.stem == "Compact")
    exact = upscalers.upscale(photo, 2, "Compact", tile=0, overlap=0)
    network = upscalers.network(file)
    with torch.no_grad():
        first = next(network.descriptor.model.parameters())
        kept = first.clone()
        network.descriptor.half()
        # As a network that overflows: its weights are numbers in 32 bits only.
        hook = network.descriptor.model.register_forward_hook(
            lambda module, given, result: result if given[0].dtype == torch.float32 else result * torch.nan
        )
    try:
        result = upscalers.upscale(photo, 2, "Compact", tile=0, overlap=0)
    finally:
        hook.remove()
        upscalers.holder.clear()
    assert kept.dtype == torch.float32
    assert upscalers.take_messages() == ["Compact gave no numbers in half precision; it goes on in 32 bits."]
    assert abs(np.asarray(result, int) - np.asarray(exact, int)).max() <= 1


def test_short_memory_means_smaller_tiles(upscalers, photo):
    file = next(file for file in upscalers.catalog.files() if file.stem == "Compact")
    exact = upscalers.upscale(photo.resize((200, 200)), 2, "Compact", tile=0, overlap=0)

    def refuse(module, given):
        if given[0].shape[-1] > 128:
            raise torch.OutOfMemoryError("no room")

    hook = upscalers.network(file).descriptor.model.register_forward_pre_hook(refuse)
    try:
        result = upscalers.upscale(photo.resize((200, 200)), 2, "Compact", tile=0, overlap=16)
    finally:
        hook.remove()
    assert upscalers.take_messages() == [
        "The memory was too small for such tiles; it went on with tiles of 100 pixels."
    ]
    assert abs(np.asarray(result, int) - np.asarray(exact, int)).max() <= 1


def test_no_memory_at_all_is_an_error_with_advice(upscalers, photo):
    file = next(file for file in upscalers.catalog.files() if file.stem == "Compact")

    def refuse(module, given):
        raise torch.OutOfMemoryError("no room")

    hook = upscalers.network(file).descriptor.model.register_forward_pre_hook(refuse)
    try:
        with pytest.raises(OutOfMemory, match="Choose a smaller upscaler"):
            upscalers.upscale(photo, 2, "Compact", tile=0, overlap=16)
    finally:
        hook.remove()
        upscalers.take_messages()


def test_networks_beyond_the_budget_are_let_go(upscalers, photo):
    upscalers.holder.budget_bytes = 1
    for name in ("Compact", "SPAN"):
        upscalers.upscale(photo, 2, name, tile=0, overlap=0)
    assert [network.file.stem for network in upscalers.loaded()] == ["SPAN"]
    upscalers.holder.budget_bytes = 10**12


@pytest.mark.parametrize(
    ("name", "scale"), [("DAT x2", 2), ("4x-UltraSharp", 4), ("nothing", 4), ("1x_Clean", 1)]
)
def test_a_scale_is_read_from_a_name(name, scale):
    assert scale_in_name(name) == scale


@pytest.mark.parametrize("size", [1, 63, 64, 65, 100, 129, 500])
@pytest.mark.parametrize(
    "tiling",
    [TileLayout(64, 8), TileLayout(64, 32, 16), TileLayout(64, 0), TileLayout(64, 60, 8), TileLayout(0, 8)],
)
def test_tiles_cover_every_pixel_with_weights_that_add_up_to_1(size, tiling):
    parts = spans(size, tiling)
    together = np.zeros(size * 2)
    for (begin, end), weight in zip(parts, fades(parts, 2), strict=True):
        assert begin % tiling.window == 0
        together[begin * 2 : end * 2] += weight
    assert np.allclose(together, 1)


def test_a_network_that_changes_nothing_gives_the_picture_back_through_tiles(photo):
    pixels = np.asarray(photo)
    steps = run_in_tiles(pixels, lambda tile: tile, TileLayout(32, 8), 1)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            assert (end.value == pixels).all()
            return


def test_a_face_restorer_is_no_upscaler(upscalers):
    assert "GFPGANv1.4" not in upscaler_names(upscalers.catalog)
    assert find_restorer(upscalers.catalog, "GFPGAN").stem == "GFPGANv1.4"
