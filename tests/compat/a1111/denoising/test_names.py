"""Names that extensions import: they are there, and mean what they say."""

import importlib
from typing import Any

import pytest
import torch

# Those of `extension_symbols.csv` that two or more of the surveyed extensions use.
NAMES = {
    "sd_samplers": "create_sampler samplers samplers_for_img2img all_samplers all_samplers_map "
    "set_samplers samplers_map visible_sampler_names sample_to_image find_sampler_config "
    "samples_to_image_grid",
    "sd_samplers_common": "InterruptedException SamplerData approximation_indexes images_tensor_to_samples "
    "setup_img2img_steps apply_refiner Sampler decode_first_stage single_sample_to_image "
    "store_latent samples_to_images_tensor sample_to_image",
    "sd_samplers_kdiffusion": "KDiffusionSampler CFGDenoiser CFGDenoiserKDiffusion samplers_data_k_diffusion "
    "samplers_k_diffusion sampler_extra_params k_diffusion_samplers_map",
    "sd_samplers_timesteps": "CompVisTimestepsDenoiser CompVisTimestepsVDenoiser CFGDenoiserTimesteps "
    "CompVisSampler samplers_data_timesteps",
    "sd_samplers_timesteps_impl": "ddim plms unipc ddim_cfgpp",
    "sd_samplers_cfg_denoiser": "CFGDenoiser catenate_conds pad_cond subscript_cond",
    "sd_samplers_compvis": "VanillaStableDiffusionSampler samplers_data_compvis",
    "sd_samplers_extra": "restart_sampler",
    "sd_samplers_lcm": "LCMSampler CFGDenoiserLCM",
    "sd_schedulers": "schedulers schedulers_map Scheduler",
    "prompt_parser": "parse_prompt_attention get_learned_conditioning_prompt_schedules "
    "get_learned_conditioning get_multicond_prompt_list ScheduledPromptConditioning "
    "SdConditioning reconstruct_cond_batch MulticondLearnedConditioning "
    "get_multicond_learned_conditioning reconstruct_multicond_batch "
    "ComposableScheduledPromptConditioning DictWithShape stack_conds",
    "rng": "ImageRNG randn_like randn randn_local randn_without_seed create_generator slerp",
    "rng_philox": "Generator",
    "sd_hijack": "model_hijack StableDiffusionModelHijack apply_optimizations current_optimizer",
    "sd_hijack_optimizations": "get_xformers_flash_attention_op get_available_vram sub_quad_attention",
    "sd_hijack_clip": "FrozenCLIPEmbedderWithCustomWords FrozenCLIPEmbedderWithCustomWordsBase",
    "sd_hijack_open_clip": "FrozenOpenCLIPEmbedderWithCustomWords FrozenOpenCLIPEmbedder2WithCustomWords",
    "sd_hijack_unet": "th",
    "sd_hijack_utils": "CondFunc",
    "sd_unet": "SdUnet SdUnetOption apply_unet current_unet current_unet_option get_unet_option",
    "sub_quadratic_attention": "efficient_dot_product_attention",
    "unipc": "sampler uni_pc",
    "models.diffusion.uni_pc": "sampler uni_pc",
}


@pytest.mark.parametrize("module", sorted(NAMES))
def test_a_module_has_its_names(modules: Any, module: str) -> None:
    found = importlib.import_module(f"modules.{module}")
    assert [name for name in NAMES[module].split() if not hasattr(found, name)] == []


def test_prompt_lengths_are_those_of_the_counter(modules: Any) -> None:
    hijack = modules.sd_hijack.model_hijack
    assert hijack.get_prompt_lengths("a cat") == (2, 75)
    used, most = hijack.get_prompt_lengths("cat, " * 50)
    assert most == 150
    assert 75 < used <= 150
    hijack.comments.append("x")
    hijack.clear_comments()
    assert hijack.comments == []
    assert hijack.hijack(None) is hijack.undo_hijack(None) is None


def test_attention_by_a1111s_names_is_torchs(modules: Any) -> None:
    q, k, v = torch.randn(3, 2, 5, 4, generator=torch.Generator().manual_seed(1))
    weights = torch.softmax(q @ k.transpose(1, 2) / 2, dim=-1)
    found = modules.sd_hijack_optimizations.sub_quad_attention(q, k, v, q_chunk_size=512)
    torch.testing.assert_close(found, weights @ v)
    assert modules.sd_hijack_optimizations.get_available_vram() > 0


def test_conds_are_joined_cut_and_padded(modules: Any) -> None:
    denoiser = modules.sd_samplers_cfg_denoiser
    one, two = torch.zeros(1, 3, 2), torch.ones(2, 3, 2)
    assert denoiser.catenate_conds([one, two]).shape == (3, 3, 2)
    both = denoiser.catenate_conds(
        [{"crossattn": one, "vector": one[:, 0]}, {"crossattn": two, "vector": two[:, 0]}]
    )
    assert both.shape == (3, 3, 2)
    assert denoiser.subscript_cond(both, 1, 3)["vector"].tolist() == [[1, 1], [1, 1]]
    padded = denoiser.pad_cond(both, 2, torch.full((1, 3, 2), 7.0))
    assert padded["crossattn"][:, 3:].unique().tolist() == [7.0]
    assert padded["crossattn"].shape == (3, 9, 2)


def test_steps_of_img2img_are_counted_as_in_a_run(modules: Any) -> None:
    from types import SimpleNamespace

    p = SimpleNamespace(steps=20, denoising_strength=0.5)
    assert modules.sd_samplers_common.setup_img2img_steps(p) == (20, 10)
    assert modules.sd_samplers_common.setup_img2img_steps(p, 10) == (20, 9)
