"""What scripts make of whole runs, on the tiny checkpoints."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from extensions.dynamic_prompts import plugin as dynamic_prompts
from extensions.dynamic_prompts.part import DynamicPrompts
from extensions.scripts import plugin
from extensions.scripts.alternative import AlternativePart, find_noise, mix
from extensions.scripts.native import LoopbackPart, OutpaintingPart, PoorMansPart
from extensions.scripts.prompt_matrix import PromptMatrixPart
from extensions.scripts.prompts_from_file import PromptsPart
from extensions.scripts.sd_upscale import SdUpscalePart
from extensions.scripts.tiled_upscale import TiledUpscalePart
from extensions.scripts.tiles import TileGrid
from extensions.scripts.xyz_plot import XyzPart, prepare
from tests.diffusion.toy import prompts
from tests.golden_cases import GOLDENS
from tests.pipelines.runs import pictures, request_of
from webui.core.errors import InvalidRequest, NotFound
from webui.core.events import ImageReady, Message, Progress
from webui.core.infotext import parse_fields
from webui.core.request import GenerationRequest
from webui.core.request_infotext import parse_infotext
from webui.core.settings import Paths
from webui.diffusion.denoising import Denoising, InitImage
from webui.diffusion.noise import ImageNoise, NoiseOptions
from webui.diffusion.prediction import Prediction
from webui.pipelines.generate.generate import generate
from webui.store.pictures.picture_spool import PictureSpool

PREDICTION = Prediction.make("eps")
LEVELS = PREDICTION.levels
SPREAD = 0.9


def run(part, context, **changes) -> list:
    return list(generate(scripted(part, **changes), context))


def scripted(part, **changes) -> GenerationRequest:
    return part.put_into(request_of(script=part.title, **{"steps": 2} | changes))


def told(events, level: str = "warning") -> str:
    return " ".join(event.text for event in events if isinstance(event, Message) and event.level == level)


def cells(events) -> list[ImageReady]:
    return [ready for ready in pictures(events) if ready.index >= 0]


def sheets(events) -> list[ImageReady]:
    return sorted((ready for ready in pictures(events) if ready.index < 0), key=lambda ready: ready.index)


@pytest.fixture
def given(context) -> str:
    """An init picture, 96 x 64."""
    image = Image.open(GOLDENS / "assets" / "init.png").convert("RGB").resize((96, 64))
    return context.inputs.add_image(image)


def test_cells_come_one_by_one_before_the_sheet_and_re_make_themselves(context):
    events = run(XyzPart(x_type="Seed", x_values="3-4", y_type="CFG Scale", y_values="4,6"), context)
    assert "X/Y/Z plot will create 4 images on 1 2x2 grid. (Total steps to process: 8)" in told(
        events, "info"
    )
    made = pictures(events)
    assert [ready.index for ready in made] == [0, 1, 2, 3, -1]
    assert [ready.seed for ready in made[:4]] == [3, 4, 3, 4]
    for ready in made[1:3]:
        again = pictures(generate(ready.request, context))
        assert np.array_equal(again[0].image, ready.image)
        read = parse_infotext(ready.infotext)
        assert (read.seed, read.cfg_scale) == (ready.request.seed, ready.request.cfg_scale)
        assert "Script" not in ready.infotext
    fields = parse_fields(made[-1].infotext)
    assert fields["Script"] == "X/Y/Z plot"
    assert fields["X Values"] == "3-4"
    assert fields["Fixed X Values"] == "3, 4"
    progress = [event.fraction for event in events if isinstance(event, Progress)]
    assert progress == sorted(progress)
    assert progress[-1] == 1


def test_cells_pass_and_the_sheet_stays(context):
    made = pictures(run(XyzPart(x_type="Seed", x_values="1-3"), context, steps=1))
    assert [ready.is_passing for ready in made] == [True, True, True, False]


def test_slow_axes_change_most_seldom(context):
    part = XyzPart(
        x_type="Checkpoint name",
        x_values="tiny-sd15,tiny-b",
        y_type="Steps",
        y_values="1,2",
        z_type="VAE",
        z_values="None,Automatic",
        csv_mode=True,
    )
    plot = prepare(part, request_of(), context)
    order = [(cell.x, cell.z, cell.y) for cell in plot.cells()]
    assert order == sorted(order)
    assert sorted(cell.number for cell in plot.cells()) == list(range(8))
    assert [plot.request_of(cell).model for cell in plot.cells()] == ["tiny-sd15"] * 4 + ["tiny-b"] * 4


def test_sheets_of_each_z_follow_the_whole_one(context):
    part = XyzPart(
        x_type="Seed", x_values="1,2", z_type="Steps", z_values="1,2", include_sub_grids=True, margin_size=4
    )
    events = run(part, context)
    whole, *parts = sheets(events)
    assert [ready.index for ready in parts] == [-2, -1]
    assert "Z Values" in whole.infotext
    assert "Z Values" not in parts[0].infotext
    assert parse_fields(parts[1].infotext)["Steps"] == "2"
    width = sum(ready.image.width for ready in parts)
    assert whole.image.width == width
    assert parts[0].image.width == 2 * 64 + 4


def test_without_a_legend_the_sheet_is_the_pictures_alone(context):
    part = XyzPart(x_type="Seed", x_values="1,2", draw_legend=False, include_lone_images=True, margin_size=9)
    events = run(part, context)
    sheet = np.asarray(sheets(events)[0].image)
    first, second = (np.asarray(ready.image) for ready in cells(events))
    assert np.array_equal(sheet, np.hstack([first, second]))
    assert not any(ready.is_passing for ready in pictures(events))


def test_cells_of_other_sizes_stand_in_the_middle_of_the_largest(context):
    events = run(XyzPart(x_type="Size", x_values="64x64,96x128"), context)
    assert [ready.image.size for ready in cells(events)] == [(64, 64), (96, 128)]
    sheet = sheets(events)[0].image
    assert sheet.width == 2 * 96


def test_a_stopped_plot_has_a_sheet_of_what_is_there(context):
    request, made = scripted(XyzPart(x_type="Seed", x_values="1-9")), []
    for event in generate(request, context):
        if isinstance(event, ImageReady):
            made.append(event)
            if event.index == 1:
                context.stop.stop()
    assert [ready.index for ready in made] == [0, 1, -1]
    sheet = np.asarray(made[-1].image)
    assert sheet.shape[1] == 9 * 64
    assert not sheet[-64:, 2 * 64 :].any(), "cells that were not reached are black"
    assert np.array_equal(sheet[-64:, 64:128], np.asarray(made[1].image))


def test_what_one_cell_refuses_is_told_and_the_rest_go_on(context, monkeypatch):
    part = XyzPart(x_type="Seed", x_values="1,2,3")
    request, events = scripted(part), []
    plain = context.plugins.change

    def refuse(hook, value, *args, **given):
        if hook == "change_request" and value.seed == 2 and not value.script:
            raise InvalidRequest("Two is odd.")
        return plain(hook, value, *args, **given)

    monkeypatch.setattr(context.plugins, "change", refuse)
    events = list(generate(request, context))
    assert "Seed: 2: Two is odd." in told(events)
    assert [ready.index for ready in cells(events)] == [0, 2]
    assert len(sheets(events)) == 1


def test_minus_one_is_a_seed_by_chance_and_written_where_it_is_kept(context):
    part = XyzPart(x_type="Seed", x_values="-1,-1,5")
    first, second = (prepare(part, request_of(seed=seed), context).x.values for seed in (1, 1))
    assert first == second, "the same request draws the same"
    assert len({*first}) == 3
    assert min(first) >= 0
    kept = prepare(part.model_copy(update={"no_fixed_seeds": True}), request_of(), context)
    assert kept.x.values == (-1, -1, 5)
    assert kept.x.entries().keys() == {"X Type", "X Values"}
    made = [kept.request_of(cell).seed for cell in kept.cells()]
    assert made[2] == 5
    assert made[0] != made[1]


def test_seeds_may_vary_along_axes(context):
    axes = {"x_type": "Steps", "x_values": "1,2", "y_type": "CFG Scale", "y_values": "1,2"}
    part = XyzPart(**axes, vary_seeds_x=True, vary_seeds_y=True)
    plot = prepare(part, request_of(seed=10), context)
    seeds = {(cell.x, cell.y): plot.request_of(cell).seed for cell in plot.cells()}
    assert seeds == {(0, 0): 10, (1, 0): 11, (0, 1): 12, (1, 1): 13}


@pytest.mark.parametrize(
    ("values", "changes", "sentence"),
    [
        ({"x_type": "Seed"}, {}, "X values: there are none for 'Seed'"),
        ({"x_type": "Steps", "x_values": "1,many"}, {}, r"X values \(Steps\): 'many' is not understood"),
        ({"x_type": "Steps", "x_values": "20", "y_type": "Cheese", "y_values": "1"}, {}, "no axis 'Cheese'"),
        ({"x_type": "Seed", "x_values": "1-200", "y_type": "Steps", "y_values": "1-200"}, {}, "40000 cells"),
        ({"x_type": "Seed", "x_values": "1-99"}, {"width": 2048, "height": 2048}, "megapixels"),
        ({"x_type": "Prompt S/R", "x_values": "dog,cat"}, {}, r"X values \(Prompt S/R\): Prompt S/R: 'dog'"),
        ({"x_type": "Sampler", "x_choices": ("Euler", "Oyler")}, {}, r"X values \(Sampler\)"),
    ],
)
def test_a_wrong_plot_is_refused_before_anything_is_made(values, changes, sentence, context):
    with pytest.raises(InvalidRequest, match=sentence):
        prepare(XyzPart(**values), request_of(**changes), context)


def test_a_checkpoint_that_is_not_there_is_refused_before_anything_is_made(context):
    with pytest.raises(NotFound, match=r"X values \(Checkpoint name\)"):
        prepare(XyzPart(x_type="Checkpoint name", x_choices=("nothing",)), request_of(), context)


def test_arguments_may_be_left_out_or_null():
    part = XyzPart.from_args([4, "6,8", None, 6, "5", [], None])
    assert (part.x_type, part.x_values, part.x_choices) == ("4", "6,8", ())
    assert (part.y_type, part.z_type, part.draw_legend) == ("6", "Nothing", True)
    assert SdUpscalePart.from_args(["", 32, 0, 2]) == SdUpscalePart.from_args([32, 0, 2])
    assert OutpaintingPart.from_args([None, 64, 8, "left"]).direction == ("left",)
    assert TiledUpscalePart.from_args(["", 512, 0, 8, 32, 64, 0.3, 16, 0, True, 1]).redraw_mode == "Chess"


def test_arguments_stand_in_a1111s_order():
    import json

    scripts = json.loads((GOLDENS / "api" / "script-info.json").read_text("utf-8"))
    infos = {info["name"]: [arg["label"] for arg in info["args"] if arg["label"]] for info in scripts}
    for script in plugin.register_scripts():
        if script.title.lower() in infos:
            titles = [str(field.title) for field in script.part.model_fields.values()]
            titles = [title.replace(" choices", " values") for title in titles]
            assert titles == infos.pop(script.title.lower())
    assert {name for name in infos if name.islower()} == {
        "extra options",
        "refiner",
        "sampler",
        "seed",
        "soft inpainting",
    }


def test_the_matrix_can_vary_the_negative_prompt_and_seeds_in_batches(context):
    joined = {"put_at_start": True, "delimiter": "space"}
    part = PromptMatrixPart(prompt_type="negative", different_seeds=True, **joined)
    events = run(part, context, negative_prompt="bad|ugly|old", batch_size=3, seed=7)
    made = cells(events)
    texts = [parse_fields(ready.infotext)["Negative prompt"] for ready in made]
    assert texts == ["bad", "ugly bad", "old bad", "ugly old bad"]
    assert [ready.seed for ready in made] == [7, 8, 9, 10]
    assert len(sheets(events)) == 1


def test_a_matrix_without_parts_is_one_picture_and_many_parts_are_refused(context):
    assert len(cells(run(PromptMatrixPart(), context))) == 1
    with pytest.raises(InvalidRequest, match="13 parts would make 8192 pictures"):
        run(PromptMatrixPart(), context, prompt="a" + "|b" * 13)


LINES = """
a dog
--prompt a red house --negative_prompt dull grey --steps 3 --seed 9 --cfg_scale 4.5
--prompt "it's" --width 70 --height 96 --sampler_name Heun --n_iter 2 --outpath_samples /etc
a cat --steps 6
--prompt x --steps 0
--prompt y --do_not_save_samples true --sd_model tiny-b
"""


def test_lines_change_what_their_flags_say(context):
    events = run(PromptsPart(lines=LINES, position="end"), context, prompt="big", seed=5)
    made = pictures(events)
    assert [ready.index for ready in made] == list(range(6))
    texts = [ready.infotext.split("\n")[0] for ready in made]
    assert texts == ["big a dog", "big a red house", "big it's", "big it's", "big a cat --steps 6", "big y"]
    fields = parse_fields(made[1].infotext)
    assert (fields["Steps"], fields["Seed"], fields["CFG scale"]) == ("3", "9", "4.5")
    assert fields["Negative prompt"] == "dull grey"
    assert (made[2].image.size, made[2].seed, made[3].seed) == ((64, 96), 5, 6)
    assert [ready.is_saved for ready in made] == [True] * 5 + [False]
    assert parse_fields(made[5].infotext)["Model"] == "tiny-b"
    warnings = told(events)
    assert "'a cat --steps 6' was used as a prompt" in warnings
    assert "Line 5" in warnings
    assert "--outpath_samples was passed over" in warnings
    assert "Will process 6 lines in 7 jobs." in told(events, "info")


@pytest.mark.parametrize(
    ("values", "is_random", "seeds"),
    [
        ({}, False, [5, 5, 5]),
        ({"iterate_seed": True}, True, [5, 6, 7]),
        ({"same_seed": True}, True, [5, 5, 5]),
    ],
)
def test_lines_have_the_seeds_that_the_form_asks_for(values, is_random, seeds, context):
    part = PromptsPart(lines="a\nb\nc", **values)
    made = pictures(run(part, context, seed=5, steps=1, is_seed_random=is_random))
    assert [ready.seed for ready in made] == seeds


def test_each_line_draws_a_seed_where_the_seed_is_by_chance(context):
    made = pictures(run(PromptsPart(lines="a\nb\nc"), context, seed=5, steps=1, is_seed_random=True))
    assert len({ready.seed for ready in made}) == 3


def test_no_line_at_all_is_a_sentence(context):
    with pytest.raises(InvalidRequest, match="there is no line"):
        run(PromptsPart(lines=" \n "), context)


def test_loopback_is_the_native_one_with_a_sheet(context, given):
    changes = {"init_images": (given,), "width": 96}
    events = run(LoopbackPart(loops=3, final_denoising_strength=0.2), context, **changes)
    plain = pictures(
        generate(
            request_of(**changes, steps=2, loopback={"loops": 3, "final_denoising_strength": 0.2}), context
        )
    )
    assert [np.asarray(a.image).tobytes() for a in cells(events)] == [
        np.asarray(b.image).tobytes() for b in plain
    ]
    assert sheets(events)[0].image.size == (3 * 96, 64)
    with pytest.raises(InvalidRequest, match="cannot append descriptions"):
        run(LoopbackPart(append_interrogation="CLIP"), context, **changes)


def test_outpainting_scripts_extend_the_canvas(context, given):
    changes = {"init_images": (given,), "width": 96}
    made = pictures(run(OutpaintingPart(pixels=32, direction=("left", "down")), context, **changes))
    assert made[-1].image.size == (128, 96)
    part = PoorMansPart(pixels=16, direction=("up",), masked_content="latent noise")
    made = pictures(run(part, context, **changes))
    assert made[-1].image.size == (96, 80)
    assert parse_fields(made[-1].infotext)["Masked content"] == "latent noise"
    with pytest.raises(InvalidRequest, match="no direction"):
        run(OutpaintingPart(direction=()), context, **changes)
    with pytest.raises(InvalidRequest, match="needs a picture"):
        run(PoorMansPart(), context)


@pytest.mark.parametrize("size", [(64, 64), (200, 100), (128, 72), (65, 300), (64, 1000)])
@pytest.mark.parametrize("overlap", [0, 8, 32])
def test_tiles_cover_a_picture_and_join_to_the_same(size, overlap):
    image = Image.fromarray(np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8))
    grid = TileGrid.of(size, (64, 64), overlap)
    joined = np.asarray(grid.join([image.crop(box) for box in grid.boxes])).astype(int)
    assert np.abs(joined - np.asarray(image)).max() <= 1
    for left, _, right, _ in grid.boxes:
        assert 0 <= left < right <= size[0]
        assert right - left == grid.tile[0]


def test_sd_upscale_works_over_tiles_of_a_larger_picture(context, given):
    part = SdUpscalePart(overlap=16, upscaler="Lanczos", scale_factor=2)
    changes = {"init_images": (given,), "batch_size": 2, "batch_count": 2, "denoising_strength": 0.2}
    events = run(part, context, **changes)
    made = pictures(events)
    assert [ready.image.size for ready in made] == [(192, 128)] * 2
    fields = parse_fields(made[0].infotext)
    assert (fields["SD upscale overlap"], fields["SD upscale upscaler"]) == ("16", "Lanczos")
    assert "a total of 12 images tiled as 4x3" in told(events, "info")
    with pytest.raises(InvalidRequest, match="cannot overlap"):
        run(SdUpscalePart(overlap=64), context, **changes)
    with pytest.raises(InvalidRequest, match="no upscaler number 99"):
        run(SdUpscalePart(upscaler=99), context, **changes)


def test_the_tiled_upscale_redraws_tiles_and_seams_in_place(context, given):
    changes = {"init_images": (given,), "denoising_strength": 0.3}
    part = TiledUpscalePart(
        tile_width=64,
        padding=8,
        mask_blur=2,
        upscaler="Lanczos",
        target_size_type="Scale from image size",
        seams_fix_type="Band pass",
        seams_fix_width=16,
        redraw_mode="Chess",
    )
    events = run(part, context, **changes)
    made = pictures(events)
    assert [ready.image.size for ready in made] == [(192, 128)]
    # 3 x 2 tiles, 2 x 2 pieces of upright seams, 3 of the one across.
    assert "will redraw 13 parts" in told(events, "info")
    with pytest.raises(InvalidRequest, match="nothing to redraw"):
        run(TiledUpscalePart(redraw_mode="None"), context, **changes)


def test_patches_leave_alone_what_is_far_from_them(context, given):
    part = TiledUpscalePart(
        tile_width=64,
        redraw_mode="None",
        seams_fix_type="Band pass",
        seams_fix_width=8,
        seams_fix_padding=8,
        seams_fix_mask_blur=1,
        target_size_type="Custom size",
        custom_width=128,
        custom_height=64,
    )
    made = pictures(run(part, context, init_images=(given,)))[0]
    before = np.asarray(context.inputs.open(given).convert("RGB").resize((128, 64), Image.Resampling.LANCZOS))
    changed = np.abs(np.asarray(made.image).astype(int) - before).max(axis=(0, 2))
    assert changed[58:70].max() > 0
    assert changed[:48].max() == 0
    assert changed[80:].max() == 0


def test_tiles_that_a_stopped_upscale_did_not_reach_stay_as_they_were(context, given):
    part = SdUpscalePart(overlap=0, upscaler="Lanczos", scale_factor=2)
    made = []
    for event in generate(scripted(part, init_images=(given,)), context):
        if isinstance(event, Progress) and event.batch == 1:
            context.stop.stop()
        if isinstance(event, ImageReady):
            made.append(event)
    larger = context.upscalers.upscale(
        context.inputs.open(given).convert("RGB"), 2, "Lanczos", tile=0, overlap=0
    )
    same = np.asarray(made[0].image) == np.asarray(larger)
    assert not same[:64, :64].all()
    assert same[64:].all()


class Gaussian(nn.Module):
    """What a network knows of pictures whose every value is drawn with a spread of SPREAD."""

    def forward(self, latent, timestep, *others, **more):
        sigma = LEVELS.t_to_sigma(timestep).view(-1, 1, 1, 1)
        # Given x / sqrt(1 + sigma^2), the noise that is in x.
        return latent * (1 + sigma**2).sqrt() * sigma / (SPREAD**2 + sigma**2)


@pytest.mark.parametrize("adjusted", [False, True])
def test_the_noise_that_is_found_leads_to_the_picture(adjusted):
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1)) * SPREAD
    text = prompts(0.0)
    noise = ImageNoise((4, 8, 8), [1], NoiseOptions("CPU"), torch.device("cpu"))
    denoising = Denoising(Gaussian(), PREDICTION, text, text, noise)
    denoising.init = InitImage(latent, 1.0)
    found = find_noise(denoising, AlternativePart(decode_steps=150, sigma_adjustment=adjusted))
    # The flow of such pictures is known: each value grows as the spread of all does.
    largest = LEVELS.sigma_max
    expected = latent * (SPREAD**2 + largest**2) ** 0.5 / SPREAD
    expected = expected / (largest if adjusted else expected.std())
    assert torch.allclose(found, expected, atol=0.1)
    begin = latent + mix(found, denoising, AlternativePart()) * largest
    assert torch.allclose(begin, found * largest, atol=1e-3)


def test_the_alternative_is_one_picture_from_two_runs(context, given):
    part = AlternativePart(original_prompt="a cat", decode_steps=6)
    events = run(part, context, init_images=(given,), width=96, cfg_scale=1.0, batch_count=3)
    made = pictures(events)
    assert len(made) == 1
    fields = parse_fields(made[0].infotext)
    assert (fields["Decode steps"], fields["Sampler"], fields["Steps"]) == ("6", "Euler", "6")
    plain = generate(request_of(init_images=(given,), width=96, cfg_scale=1.0, steps=6), context)
    assert not np.array_equal(made[0].image, pictures(plain)[0].image)
    assert plugin.alternative().searches == {}


def test_pictures_of_cells_lie_in_a_file(context, monkeypatch):
    held: list[int] = []
    add = PictureSpool.add

    def noted(spool, image):
        add(spool, image)
        held.append(len(spool))

    monkeypatch.setattr(PictureSpool, "add", noted)
    for _ in generate(scripted(XyzPart(x_type="Seed", x_values="1-5"), steps=1), context):
        pass
    # Five cells in one file, then the one sheet in another.
    assert held == [1, 2, 3, 4, 5, 1]


@pytest.mark.parametrize("way", ["Random", "Combinatorial"])
def test_wildcards_act_in_every_picture_of_a_prompt_matrix(way, context, tmp_path):
    colours = ["red", "green", "blue", "white"]
    (tmp_path / "wildcards").mkdir()
    (tmp_path / "wildcards" / "colour.txt").write_text("\n".join(colours), encoding="utf-8")
    folders = ("root", "data", "models", "embeddings", "starter")
    context = replace(context, paths=Paths(styles=(), **dict.fromkeys(folders, tmp_path)))
    context.plugins.register(dynamic_prompts, "dynamic_prompts")
    own = DynamicPrompts(way=way, write_template=True)
    matrix = scripted(PromptMatrixPart(different_seeds=True), prompt="a __colour__ cat|in summer|at night")
    made = cells(generate(own.put_into(matrix.model_copy(update={"seed": 3})), context))
    texts = [each.infotext.splitlines()[0] for each in made]
    rests = ["", ", in summer", ", at night", ", in summer, at night"]
    for text, rest in zip(texts, rests, strict=True):
        assert text in [f"a {colour} cat{rest}" for colour in colours]
    # Drawn by the picture's own seed, as in a run of its own.
    alone = DynamicPrompts().put_into(request_of(prompt="a __colour__ cat", seed=3, steps=2))
    (first,) = cells(generate(alone, context))
    assert first.infotext.splitlines()[0] == texts[0]
    # What was made is filled in, whatever the list holds by now.
    (tmp_path / "wildcards" / "colour.txt").write_text("black", encoding="utf-8")
    (again,) = cells(generate(made[1].request, context))
    assert again.infotext.splitlines()[0] == texts[1]
    assert again.image.tobytes() == made[1].image.tobytes()
