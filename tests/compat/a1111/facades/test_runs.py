"""What extensions add to models takes part in runs: upscalers, restorers, networks of prompts, units."""

import numpy as np
import pytest
import torch
from PIL import Image

from webui.compat.a1111.facades.model_offers import offer_all
from webui.core.errors import InvalidRequest
from webui.library.catalog.upscaler_names import restorer_names, upscaler_names


@pytest.fixture
def doubler(world):
    """An extension's upscaler, which turns everything red."""
    upscaler = world.module("modules.upscaler")

    class UpscalerRed(upscaler.Upscaler):
        def __init__(self, dirname=None):
            self.name = "Red"
            super().__init__()
            self.scalers = [upscaler.UpscalerData("Red 2x", "red.pth", self, 2)]
            self.runs = []

        def do_upscale(self, img, selected_model):
            self.runs.append(selected_model)
            return Image.new("RGB", (img.width * 2, img.height * 2), "red")

    offer_all()
    yield UpscalerRed
    # Subclasses live as long as somebody holds them.
    UpscalerRed.__init__ = lambda self, dirname=None: setattr(self, "scalers", [])


def test_an_upscaler_of_an_extension_is_listed_and_enlarges(world, doubler):
    assert "Red 2x" in upscaler_names(world.context.models.catalog)
    assert "Red 2x" in [each.name for each in world.module("modules.shared").sd_upscalers]
    made = world.context.upscalers.upscale(Image.new("RGB", (20, 20)), 3, "Red 2x", tile=0, overlap=0)
    assert made.size == (56, 56)
    assert made.getpixel((5, 5)) == (255, 0, 0)


def test_hires_fix_and_resize_image_use_it(world, doubler):
    hires = {"upscaler": "Red 2x", "scale": 2, "steps": 1}
    with_it = world.run(hires=hires, denoising_strength=0.3)
    without = world.run(hires=hires | {"upscaler": "Lanczos"}, denoising_strength=0.3)
    assert with_it[-1].image.size == without[-1].image.size == (128, 128)
    assert with_it[-1].image.tobytes() != without[-1].image.tobytes()
    images = world.module("modules.images")
    assert images.resize_image(0, Image.new("RGB", (10, 10)), 24, 24, "Red 2x").getpixel((3, 3)) == (
        255,
        0,
        0,
    )


def test_one_that_fails_ends_the_job_with_a_sentence_and_is_noted(world, doubler, tmp_path):
    record = world.host.health.add("mine", __import__("pathlib").Path(__file__).parent)
    doubler.do_upscale = lambda self, img, selected_model: 1 / 0
    offer_all()
    with pytest.raises(InvalidRequest, match="Red 2x"):
        world.context.upscalers.upscale(Image.new("RGB", (20, 20)), 2, "Red 2x", tile=0, overlap=0)
    assert "ZeroDivisionError" in record.failures[-1].error


def test_our_upscalers_are_the_choices_that_the_api_lists(world):
    shared = world.module("modules.shared")
    names = [each.name for each in shared.sd_upscalers]
    assert names[:3] == ["None", "Lanczos", "Nearest"]
    assert names == upscaler_names(world.context.models.catalog)
    lanczos = shared.sd_upscalers[1]
    assert lanczos.scaler.upscale(Image.new("RGB", (10, 10)), 2, lanczos.data_path).size == (16, 16)


def test_a_face_restorer_of_an_extension_is_offered_and_restores(world):
    shared, face_restoration = world.module("modules.shared"), world.module("modules.face_restoration")

    class Green(face_restoration.FaceRestoration):
        def name(self):
            return "Green"

        def restore(self, np_image):
            return np.full_like(np_image, (0, 255, 0))

    shared.face_restorers.append(Green())
    offer_all()
    assert restorer_names(world.context.models.catalog)[-1] == "Green"
    assert world.context.restore_faces(Image.new("RGBA", (9, 9)), "Green", 0.5).getpixel((1, 1)) == (
        0,
        255,
        0,
        0,
    )
    made = world.run(restore_faces=True, options={"face_restoration_model": "Green"})
    assert made[0].image.getpixel((1, 1)) == (0, 255, 0)
    assert {"CodeFormer", "GFPGAN"} <= {each.name() for each in shared.face_restorers}


def test_a_network_that_an_extension_registered_acts_in_runs(world):
    networks = world.module("modules.extra_networks")
    heard = []

    class Mine(networks.ExtraNetwork):
        def activate(self, p, params_list):
            heard.append(("activate", p.prompt, [(each.positional, each.named) for each in params_list]))

        def deactivate(self, p):
            heard.append(("deactivate",))

    networks.register_extra_network(Mine("mine"))
    networks.register_extra_network_alias(networks.extra_network_registry["mine"], "mien")
    plain, marked = world.run(prompt="a cat"), world.run(prompt="a cat<mine:x:1:k=v><mien:y>")
    assert heard[0] == ("activate", "a cat", [])
    assert ("activate", "a cat<mine:x:1:k=v><mien:y>", [(["x", "1"], {"k": "v"}), (["y"], {})]) in heard
    assert heard[-1] == ("deactivate",)
    assert plain[0].image.tobytes() == marked[0].image.tobytes()
    assert not [event for event in world.told if "no network of the kind" in getattr(event, "text", "")]
    networks.initialize()
    assert set(networks.extra_network_registry) == {"hypernet", "lora"}


@pytest.mark.parametrize(
    "prompt", ["a <lora:b:1> c", "<x:1>", "a <b", "<a:b><a:c:d=e=f>", "", "((<lora:n:0.5:x=1>))"]
)
def test_prompts_are_parsed_as_runs_parse_them(world, prompt):
    from webui.prompts.syntax import lift_networks

    text, found = world.module("modules.extra_networks").parse_prompt(prompt)
    assert text == lift_networks(prompt)[0]
    again = [mark for marks in found.values() for mark in marks]
    assert sorted(tuple(mark.items) for mark in again) == sorted(
        mark.arguments for mark in lift_networks(prompt)[1]
    )


def test_loras_are_listed_as_the_api_lists_them_and_runs_tell_which_they_use(world, exact_services):
    networks = world.module("networks")
    names = exact_services.loras.names()
    assert set(networks.available_networks) == set(names.by_name)
    name, entry = next(iter(names.by_name.items()))
    assert networks.available_networks[name].filename == str(entry.file.path)
    assert (
        networks.available_networks[name].metadata
        == __import__("webui.library.files.headers", fromlist=["read_header"])
        .read_header(entry.file.path)
        .metadata
    )
    world.run(prompt=f"a <lora:{name}:0.5>")
    assert [(each.name, each.unet_multiplier) for each in networks.loaded_networks] == [(name, 0.5)]
    world.run(prompt="a")
    assert networks.loaded_networks == []
    assert world.module("lora").loaded_loras is networks.loaded_networks


def test_an_extension_reads_the_marks_of_loras_and_changes_their_weights_from_step_to_step(
    world, exact_services
):
    module, networks = world.module("modules.extra_networks"), world.module("networks")
    base = world.module("extra_networks_lora").ExtraNetworkLora
    assert type(module.extra_network_registry["lora"]) is base
    name = next(iter(exact_services.loras.names().by_name))
    weights, seen = {}, []

    class Stepwise(base):
        def activate(self, p, params_list):
            for params in params_list:
                weights["all"] = [float(each) for each in params.positional[1].split(",")]
                params.positional = [params.positional[0], weights["all"][0]]
            super().activate(p, params_list)

    def follow(params):
        for each in networks.loaded_networks:
            each.unet_multiplier = weights["all"][min(len(seen), 1)]
            seen.append(each.unet_multiplier)

    def run(weight, steps=2):
        seen.clear()
        return world.run(prompt=f"a <lora:{name}:{weight}>", steps=steps, sampler="Euler")[0].image.tobytes()

    plain = {weight: run(weight) for weight in ("0.9", "0.1")}
    module.register_extra_network(Stepwise())
    callbacks = world.module("modules.script_callbacks")
    world.context.plugins.register(__import__("webui.compat.a1111.hooks.denoising", fromlist=["x"]), "steps")
    callbacks.on_cfg_denoiser(follow)
    try:
        assert run("0.9,0.9") == plain["0.9"]
        changing = run("0.9,0.1")
        assert seen == [0.9, 0.1]
        assert changing not in plain.values()
        assert run("0.1,0.1") != plain["0.9"]
        assert not [event for event in world.told if "no number" in getattr(event, "text", "")]
    finally:
        callbacks.clear_callbacks()
        module.initialize()


def test_the_checkpoint_of_the_run_is_what_sd_model_shows(world):
    shared, script_seen = world.module("modules.shared"), []
    networks = world.module("modules.extra_networks")

    class Look(networks.ExtraNetwork):
        def activate(self, p, params_list):
            model = shared.sd_model
            unet = model.model.diffusion_model
            cond = model.get_learned_conditioning(["a cat"])
            empty = model.get_learned_conditioning([""])
            empty = empty["crossattn"] if isinstance(empty, dict) else empty
            assert torch.equal(model.cond_stage_model_empty_prompt, empty)
            assert next(model.parameters()) is next(unet.parameters())
            script_seen.append((model.sd_checkpoint_info.name, model.is_sdxl, type(unet).__name__, cond))

        def deactivate(self, p):
            pass

    networks.register_extra_network(Look("look"))
    world.run(model="tiny-sd15")
    world.run(model="tiny-sdxl")
    (small, is_xl, unet, cond), (large, is_large_xl, _, cond_xl) = script_seen
    assert ("sd15" in small, is_xl, unet) == (True, False, "UNet2DConditionModel")
    assert ("sdxl" in large, is_large_xl) == (True, True)
    assert cond.shape[:2] == (1, 77)
    assert set(cond_xl) == {"crossattn", "vector"}
    assert hasattr(shared.sd_model, "conditioner")


def test_latents_that_sd_model_encodes_are_decoded_again(world):
    world.run()
    model = world.module("modules.shared").sd_model
    given = torch.linspace(-1, 1, 3 * 64 * 64).reshape(1, 3, 64, 64)
    latent = model.get_first_stage_encoding(model.encode_first_stage(given))
    assert latent.shape == (1, 4, 8, 8)
    made = model.decode_first_stage(latent)
    assert made.shape == given.shape
    assert -1 <= made.min() <= made.max() <= 1


def test_units_that_an_extension_sets_come_into_the_request_of_its_run(world):
    external = world.module("lib_controlnet.external_code")
    processing = world.module("modules.processing")
    p = processing.StableDiffusionProcessingTxt2Img(prompt="x", steps=1, width=64, height=64)
    picture = np.zeros((16, 16, 3), np.uint8)
    unit = external.ControlNetUnit(
        module="canny", model="None", image={"image": picture, "mask": None}, weight=0.5,
        control_mode=external.ControlMode.CONTROL, resize_mode="Resize and Fill", pixel_perfect=True,
    )  # fmt: skip
    external.update_cn_script_in_processing(p, [unit, {"module": "depth_midas", "enabled": False}])
    first, second = external.get_all_units_in_processing(p)
    assert (first.module, first.weight, first.control_mode) == ("canny", 0.5, external.ControlMode.CONTROL)
    assert first.resize_mode is external.ResizeMode.OUTER_FIT
    assert np.array_equal(first.image, picture)
    assert (second.module, second.enabled) == ("depth_midas", False)

    from webui.compat.a1111.facades.running_context import with_native_extras

    request = with_native_extras(world.request(), p)
    assert [each["module"] for each in request.extras["controlnet"]["units"]] == ["canny", "depth_midas"]
    assert with_native_extras(request, p) is None


def test_units_that_attributes_of_an_object_tell_of_come_into_the_request_of_its_run(world):
    from webui.compat.a1111.hooks.models import with_extras

    processing = world.module("modules.processing")
    p = processing.StableDiffusionProcessingTxt2Img(prompt="x", steps=1, width=64, height=64)
    p.control_net_enabled = [None, True, None]
    p.control_net_input_image = [None, Image.new("RGB", (16, 16), "red"), None]
    p.control_net_module, p.control_net_weight, p.control_net_pthr_a = "canny", [1.0, 0.25], 100
    changed = with_extras(world.request(), p)
    first, second, third = changed.extras["controlnet"]["units"]
    assert (first["enabled"], second["enabled"], third["enabled"]) == (False, True, False)
    assert (second["module"], second["weight"], second["threshold_a"]) == ("canny", 0.25, 100)
    assert len(second["image"]) == 64
    assert first["image"] is None
    assert with_extras(changed, p) is None
    p.control_net_enabled = [False] * 3
    assert not any(unit["enabled"] for unit in with_extras(changed, p).extras["controlnet"]["units"])
    nothing = processing.StableDiffusionProcessingTxt2Img(prompt="x")
    nothing.control_net_enabled = False
    assert with_extras(world.request(), nothing) is None


def test_controlnet_lists_what_our_routes_list(world):
    external = world.module("lib_controlnet.external_code")
    from extensions.controlnet.preprocessors import PREPROCESSORS

    assert external.get_models()[0] == "None"
    assert external.get_modules() == list(PREPROCESSORS)
    assert len(external.get_modules(alias_names=True)) == len(PREPROCESSORS)
    assert external.find_cn_script(None) is None
    assert external.pixel_perfect_resolution(np.zeros((512, 512, 3)), 768, 512, "Crop and Resize") == 768
    again = world.module("extensions-builtin.sd-webui-controlnet.scripts.external_code")
    assert again.ControlNetUnit is external.ControlNetUnit


def test_a_copy_of_the_script_with_units_as_arguments_gives_them_to_the_run(world):
    import copy

    external, scripts = world.module("lib_controlnet.external_code"), world.module("modules.scripts")
    world.module("lib_controlnet.script").add_to_runners()
    world.module("lib_controlnet.script").add_to_runners()
    found = [each for each in scripts.scripts_img2img.scripts if each.title() == "ControlNet"]
    assert found == [external.find_cn_script(scripts.scripts_img2img)]
    assert found[0] not in scripts.scripts_img2img.alwayson_scripts
    processing = world.module("modules.processing")
    p = processing.StableDiffusionProcessingImg2Img(prompt="x")
    runner, script = copy.copy(scripts.scripts_img2img), copy.copy(found[0])
    runner.alwayson_scripts, script.args_from, script.args_to = [script], 0, 1
    p.scripts, p.script_args = runner, [external.ControlNetUnit(module="canny")]
    runner.before_process(p)
    assert [each.module for each in external.get_all_units_in_processing(p)] == ["canny"]
    names = world.module("lib_controlnet.global_state")
    assert "canny" in names.get_filtered_preprocessors("Canny")


def test_the_api_lists_upscalers_of_extensions(world, doubler, exact_api):
    listed = {each["name"]: each["scale"] for each in exact_api.get("/sdapi/v1/upscalers").json()}
    assert listed["Red 2x"] == 2
