"""Random requests, for properties."""

from hypothesis import strategies as st

from webui.core.image_options import ImageOptions
from webui.core.request import MAX_SEED, GenerationRequest
from webui.core.request_parts import HiresFix
from webui.core.sampling import SAMPLERS, SCHEDULES

sides = st.integers(1, 256).map(lambda eighths: eighths * 8)
seeds = st.integers(0, MAX_SEED - 10_000)
shares = st.integers(1, 100).map(lambda percent: percent / 100)
words = st.text(
    st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="\u2028\u2029"), max_size=40
)


@st.composite
def options(draw):
    """Picture options, each at its default or not."""
    return ImageOptions(
        clip_skip=draw(st.integers(1, 12)),
        randn_source=draw(st.sampled_from(["NV", "CPU", "GPU"])),
        eta_noise_seed_delta=draw(st.sampled_from([0, 31337])),
        emphasis=draw(st.sampled_from(["None", "Ignore", "Original", "No norm"])),
        s_min_uncond=draw(st.sampled_from([0.0, 1.5])),
        s_min_uncond_all=draw(st.booleans()),
        skip_early_cond=draw(st.sampled_from([0.0, 0.25])),
        token_merging_ratio=draw(st.sampled_from([0.0, 0.5])),
        hypertile_enable_unet=draw(st.booleans()),
        hypertile_enable_unet_secondpass=draw(st.booleans()),
        hypertile_max_tile_unet=draw(st.sampled_from([256, 128])),
        hypertile_enable_vae=draw(st.booleans()),
        hypertile_swap_size_vae=draw(st.sampled_from([3, 1])),
        pad_cond_uncond=draw(st.booleans()),
        use_downcasted_alpha_bar=draw(st.booleans()),
        sd_noise_schedule=draw(st.sampled_from(["Default", "Zero Terminal SNR"])),
        eta_ddim=draw(st.sampled_from([0.0, 0.5])),
        eta_ancestral=draw(st.sampled_from([1.0, 0.5])),
        s_churn=draw(st.sampled_from([0.0, 20])),
        s_noise=draw(st.sampled_from([1.0, 1.01])),
        sigma_min=draw(st.sampled_from([0.0, 0.1])),
        sigma_max=draw(st.sampled_from([0.0, 10])),
        rho=draw(st.sampled_from([0.0, 5.0])),
        beta_dist_alpha=draw(st.sampled_from([0.6, 0.8])),
        always_discard_next_to_last_sigma=draw(st.booleans()),
        sgm_noise_multiplier=draw(st.booleans()),
        uni_pc_variant=draw(st.sampled_from(["bh1", "bh2", "vary_coeff"])),
        uni_pc_order=draw(st.integers(1, 5)),
        uni_pc_lower_order_final=draw(st.booleans()),
    )


@st.composite
def requests(draw, prompts=words):
    """Requests of all kinds."""
    varied = draw(st.booleans())
    resized = draw(st.booleans())
    return GenerationRequest(
        model="model [0123456789]",
        prompt=draw(prompts),
        negative_prompt=draw(prompts),
        width=draw(sides),
        height=draw(sides),
        sampler=draw(st.sampled_from([info.label for info in SAMPLERS])),
        schedule=draw(st.sampled_from([info.label for info in SCHEDULES])),
        steps=draw(st.integers(1, 150)),
        cfg_scale=draw(st.integers(0, 60).map(lambda halves: halves / 2)),
        seed=draw(seeds),
        variation_seed=draw(seeds) if varied else 0,
        variation_strength=draw(shares) if varied else 0,
        seed_resize_width=draw(sides) if resized else 0,
        seed_resize_height=draw(sides) if resized else 0,
        tiling=draw(st.booleans()),
        options=draw(options()),
    )


@st.composite
def hires_parts(draw, prompts=words):
    """Second passes of all kinds."""
    return HiresFix(
        upscaler=draw(st.sampled_from(["", "Latent", "Latent (nearest)", "Lanczos", "R-ESRGAN 4x+"])),
        scale=draw(st.integers(4, 16).map(lambda quarters: quarters / 4)),
        width=draw(st.sampled_from([0, 512, 776])),
        height=draw(st.sampled_from([0, 640])),
        steps=draw(st.integers(0, 50)),
        sampler=draw(st.sampled_from(["", *[info.label for info in SAMPLERS]])),
        schedule=draw(st.sampled_from(["", *[info.label for info in SCHEDULES]])),
        prompt=draw(prompts),
        negative_prompt=draw(prompts),
    )
