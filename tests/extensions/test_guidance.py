"""Each kind of guidance against diffusers' own, or the published formula, on the tiny checkpoints."""

import copy
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers.models.attention_processor import PAGIdentitySelfAttnProcessor2_0
from diffusers.models.unets import unet_2d_blocks
from diffusers.pipelines.deprecated.stable_diffusion_sag.pipeline_stable_diffusion_sag import (
    CrossAttnStoreProcessor,
    StableDiffusionSAGPipeline,
)
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.utils.torch_utils import apply_freeu
from torch import Tensor, nn

from extensions.guidance.parts import (
    CfgRescale,
    DynamicThresholding,
    FreeU,
    PerturbedAttention,
    SelfAttention,
    SkipLayer,
)
from tests.extensions.running import request_with, run, sample, with_extensions, without_hooks_left
from tests.pipelines.runs import digest_of
from webui.core.errors import InvalidRequest
from webui.core.events import Progress
from webui.pipelines.generate.generate import generate
from webui.plugins import RequestPart, hookimpl

MODELS = ["tiny-sd15", "tiny-sd2v", "tiny-sdxl"]
KINDS: dict[str, RequestPart] = {
    "rescale": CfgRescale(phi=0.7),
    "pag": PerturbedAttention(enabled=True, blocks="mid,up.1.0"),
    "sag": SelfAttention(enabled=True),
    "skip": SkipLayer(enabled=True, start=0, end=0.5),
    "threshold": DynamicThresholding(enabled=True, mimic_scale=3, percentile=95),
    "freeu": FreeU(enabled=True, b1=1.3, b2=1.4, s1=0.9, s2=0.2),
}
NEUTRAL: dict[str, RequestPart] = {
    "rescale": CfgRescale(phi=0),
    "pag": PerturbedAttention(enabled=True, scale=0),
    "sag": SelfAttention(enabled=True, scale=0),
    "skip": SkipLayer(enabled=True, scale=0),
    "threshold": DynamicThresholding(enabled=True, mimic_scale=7),
    "threshold-phi": DynamicThresholding(enabled=True, mimic_scale=2, phi=0),
    "freeu": FreeU(enabled=True, b1=1, b2=1, s1=1, s2=1),
    "pag-window": PerturbedAttention(enabled=True, start=1, end=1),
    "skip-window": SkipLayer(enabled=True, start=0.5, end=0.5),
    "freeu-window": FreeU(enabled=True, start=0.3, end=0.3),
}
SIZE = {"width": 192, "height": 128}


def assert_near(found: Tensor, expected: Tensor) -> None:
    """Within 1e-4 of the largest value."""
    assert (found - expected).abs().max() <= 1e-4 * max(1.0, float(expected.abs().max()))


class Probe:
    """Keeps the first evaluation of a run: what went in, and what came out after guidance."""

    def __init__(self) -> None:
        self.batch: Any = None
        self.mixed: Any = None
        self.network: Any = None
        self.scale = 0.0

    @hookimpl(trylast=True)
    def prepare_denoising(self, denoising: Any) -> None:
        self.network, self.scale = denoising.network, denoising.guidance.cfg_scale
        denoising.before_network.append(self._before)
        denoising.after_guidance.append(self._after)

    def _before(self, batch: Any) -> None:
        if self.batch is None:
            self.batch = replace(batch)

    def _after(self, result: Tensor, guided: Any) -> Tensor:
        if self.mixed is None:
            self.mixed = result.clone()
        return result

    @property
    def embeddings(self) -> Any:
        return self.batch.cond.joined(self.batch.uncond)

    def raw(self, unet: nn.Module, latent: Tensor, timestep: Tensor, embeddings: Any) -> Tensor:
        """What a U-Net of diffusers says."""
        return unet(
            latent, timestep, embeddings.crossattn, class_labels=embeddings.vector, return_dict=False
        )[0]

    @torch.no_grad()
    def expect(self, guide: Any) -> Tensor:
        """The result of `guide`: (unet, latent, timestep, cond, uncond) -> raw output."""
        latent, timestep = self.batch.network_latent()
        unet = copy.deepcopy(self.network.unet)
        both = self.raw(unet, latent, timestep, self.embeddings)
        cond, uncond = both.chunk(2)
        count = len(cond)
        mixed = guide(unet, latent[:count], timestep[:count], cond, uncond)
        return self.batch.preconditioning.result(self.batch.latent[:count], mixed, self.batch.level[:count])


def probe(context: Any, *parts: RequestPart, **changes: Any) -> Probe:
    """The first evaluation of a run."""
    own, _ = with_extensions(context, "guidance")
    found = Probe()
    own.plugins.register(found, "probe")
    changes = {"sampler": "Euler", **SIZE, "steps": 2} | changes
    with closing(generate(request_with(*parts, **changes), own)) as events:
        next(event for event in events if isinstance(event, Progress))
    return found


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_perturbed_attention_equals_diffusers(context: Any, model: str, sampler: str) -> None:
    part = PerturbedAttention(enabled=True, scale=2.5)
    seen = probe(context, part, model=model, sampler=sampler, batch_size=2)

    def guide(unet: Any, latent: Tensor, timestep: Tensor, cond: Tensor, uncond: Tensor) -> Tensor:
        for name, module in unet.named_modules():
            if name.startswith("mid_block") and name.endswith("attn1"):
                module.set_processor(PAGIdentitySelfAttnProcessor2_0())
        twice = seen.batch.cond.joined(seen.batch.cond)
        both = seen.raw(unet, latent.repeat(2, 1, 1, 1), timestep.repeat(2), twice)
        return uncond + seen.scale * (cond - uncond) + 2.5 * (cond - both.chunk(2)[1])

    assert_near(seen.mixed, seen.expect(guide))


@pytest.mark.parametrize("model", MODELS)
def test_skip_layer_guidance_equals_a_network_without_the_layers(context: Any, model: str) -> None:
    part = SkipLayer(enabled=True, scale=2.8, start=0, end=1, blocks="mid, down.1.0")
    seen = probe(context, part, model=model)

    class Pass(nn.Module):
        def forward(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            return hidden_states

    def guide(unet: Any, latent: Tensor, timestep: Tensor, cond: Tensor, uncond: Tensor) -> Tensor:
        for transformer in (unet.mid_block.attentions[0], unet.down_blocks[1].attentions[0]):
            transformer.transformer_blocks = nn.ModuleList(Pass() for _ in transformer.transformer_blocks)
        weak = seen.raw(unet, latent, timestep, seen.batch.cond)
        return uncond + seen.scale * (cond - uncond) + 2.8 * (cond - weak)

    assert_near(seen.mixed, seen.expect(guide))


@pytest.mark.parametrize("model", ["tiny-sd15", "tiny-sdxl"])
@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_self_attention_guidance_equals_diffusers(context: Any, model: str, sampler: str) -> None:
    # Its blur is of sigma 1, its threshold 1.
    part = SelfAttention(enabled=True, scale=0.75, blur_sigma=1.0)
    seen = probe(context, part, model=model, sampler=sampler, batch_size=2)
    alphas = seen.batch.preconditioning.prediction.alphas_cumprod
    scheduler = DDIMScheduler(trained_betas=(1 - alphas / torch.cat([torch.ones(1), alphas[:-1]])).numpy())

    def guide(unet: Any, latent: Tensor, timestep: Tensor, cond: Tensor, uncond: Tensor) -> Tensor:
        store, sizes = CrossAttnStoreProcessor(), []
        middle = unet.mid_block.attentions[0]
        middle.transformer_blocks[0].attn1.set_processor(store)
        middle.register_forward_hook(lambda module, args, output: sizes.append(output[0].shape[-2:]))
        seen.raw(unet, latent, timestep, seen.batch.uncond)
        heads = middle.transformer_blocks[0].attn1.heads
        owner = SimpleNamespace(unet=SimpleNamespace(config=SimpleNamespace(attention_head_dim=heads)))
        owner.scheduler = scheduler
        whole = timestep.round().long()
        alpha = alphas[whole][:, None, None, None]
        clean = (latent - (1 - alpha).sqrt() * uncond) / alpha.sqrt()
        degraded = StableDiffusionSAGPipeline.sag_masking(
            owner, clean, store.attention_probs, tuple(sizes[0]), whole, uncond
        )
        weak = seen.raw(unet, degraded, timestep, seen.batch.uncond)
        return uncond + seen.scale * (cond - uncond) + 0.75 * (uncond - weak)

    expected = seen.expect(guide)
    assert_near(seen.mixed, expected)
    assert not torch.allclose(
        expected, seen.expect(lambda u, x, t, c, n: n + seen.scale * (c - n)), atol=1e-3
    )


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_cfg_rescale_equals_diffusers_on_v(context: Any, model: str, sampler: str) -> None:
    seen = probe(context, CfgRescale(phi=0.7), model=model, sampler=sampler, batch_size=2)
    prediction = seen.batch.preconditioning.prediction
    # The share of signal at the level: alpha of a timestep, or 1 / (sigma² + 1).
    level = seen.batch.level[:2]
    alpha = prediction.alphas_cumprod[level.long()] if sampler == "DDIM" else 1 / (level**2 + 1)
    signal, spread = alpha.sqrt()[:, None, None, None], (1 - alpha).sqrt()[:, None, None, None]

    def guide(unet: Any, latent: Tensor, timestep: Tensor, cond: Tensor, uncond: Tensor) -> Tensor:
        def to_v(raw: Tensor) -> Tensor:
            return raw if prediction.kind == "v" else (raw - spread * latent) / signal

        own = to_v(cond)
        v = rescale_noise_cfg(to_v(uncond) + seen.scale * (own - to_v(uncond)), own, guidance_rescale=0.7)
        return v if prediction.kind == "v" else signal * v + spread * latent

    assert_near(seen.mixed, seen.expect(guide))


@pytest.mark.parametrize("model", MODELS)
def test_freeu_equals_diffusers_by_the_width_of_blocks(
    context: Any, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = FreeU(enabled=True, b1=1.3, b2=1.4, s1=0.9, s2=0.2, version="1")
    seen = probe(context, part, model=model)
    # Of SD1, SD2 and SDXL: 1280 and 640, which the published code names.
    widths = sorted(set(seen.network.unet.config["block_out_channels"]))[::-1]
    changed: list[int] = []

    # The published code goes by channels, diffusers by the number of the block.
    def by_width(
        resolution_idx: int, hidden_states: Tensor, res_hidden_states: Tensor, **factors: Any
    ) -> Any:
        number = widths.index(hidden_states.shape[1])
        changed.append(number)
        return apply_freeu(number, hidden_states, res_hidden_states, **factors)

    monkeypatch.setattr(unet_2d_blocks, "apply_freeu", by_width)
    latent, timestep = seen.batch.network_latent()
    unet = copy.deepcopy(seen.network.unet)
    unet.enable_freeu(s1=0.9, s2=0.2, b1=1.3, b2=1.4)
    with torch.no_grad():
        cond, uncond = seen.raw(unet, latent, timestep, seen.embeddings).chunk(2)
    mixed = uncond + seen.scale * (cond - uncond)
    expected = seen.batch.preconditioning.result(seen.batch.latent[:1], mixed, seen.batch.level[:1])
    assert_near(seen.mixed, expected)
    assert {0, 1} <= set(changed)


def test_version_2_of_freeu_strengthens_by_the_mean_of_the_backbone() -> None:
    from extensions.guidance.freeu import FreeUAdapter

    hidden = torch.randn(2, 6, 4, 5, generator=torch.Generator().manual_seed(3))
    found = FreeUAdapter(FreeU(enabled=True))._strengthen(hidden, 1.4)
    for picture, changed in zip(hidden, found, strict=True):
        mean = picture.mean(0)
        share = (mean - mean.min()) / (mean.max() - mean.min())
        torch.testing.assert_close(changed[:3], picture[:3] * (1 + 0.4 * share))
        assert torch.equal(changed[3:], picture[3:])


def reference(cond: Tensor, uncond: Tensor, cfg: float, part: DynamicThresholding) -> Tensor:
    """Dynamic thresholding of one picture (C, h, w), channel by channel, as its README tells."""
    wide, narrow = uncond + cfg * (cond - uncond), uncond + part.mimic_scale * (cond - uncond)
    wide_centred = wide - wide.mean(dim=(1, 2), keepdim=True)
    narrow_centred = narrow - narrow.mean(dim=(1, 2), keepdim=True)

    def measure(values: Tensor, share: float) -> Tensor:
        if part.measure == "STD":
            return values.std()
        return torch.quantile(values.abs().flatten(), share)

    found = torch.empty_like(wide)
    for channel in range(len(wide)):
        chosen = slice(channel, channel + 1) if part.separate_channels else slice(None)
        own = measure(wide_centred[chosen], part.percentile / 100)
        aim = measure(narrow_centred[chosen], 1.0)
        if part.startpoint == "ZERO":
            found[channel] = wide[channel] * aim / own
        elif part.measure == "STD":
            found[channel] = wide_centred[channel] / own * aim + wide[channel].mean()
        else:
            top = max(own, aim)
            found[channel] = wide_centred[channel].clamp(-top, top) / top * aim + wide[channel].mean()
    return part.phi * found + (1 - part.phi) * wide


@pytest.mark.parametrize("separate", [True, False])
@pytest.mark.parametrize("startpoint", ["MEAN", "ZERO"])
@pytest.mark.parametrize("measure", ["AD", "STD"])
def test_dynamic_thresholding_equals_its_formula(
    context: Any, separate: bool, startpoint: Any, measure: Any
) -> None:
    part = DynamicThresholding(
        enabled=True, mimic_scale=3, percentile=95, phi=0.8,
        separate_channels=separate, startpoint=startpoint, measure=measure,
    )  # fmt: skip
    seen = probe(context, part, batch_size=2)
    plain = probe(context, batch_size=2, cfg_scale=1)
    zero = probe(context, batch_size=2, cfg_scale=0)
    expected = torch.stack(
        [reference(cond, uncond, 7, part) for cond, uncond in zip(plain.mixed, zero.mixed, strict=True)]
    )
    assert_near(seen.mixed, expected)


def test_schedules_of_scales_end_where_they_should() -> None:
    from extensions.guidance.thresholding import CURVES, scheduled

    part = DynamicThresholding(enabled=True, scheduler_value=2)
    for curve in CURVES:
        values = [scheduled(9.0, 1.0, curve, done / 10, part) for done in range(11)]
        assert min(values) >= 1.0 - 1e-9
        assert max(values) <= 9.0 + 1e-9
        if curve.endswith("Down"):
            assert values[0] == 9.0
        if curve.endswith("Up"):
            assert values[0] == 1.0
    assert scheduled(9.0, 1.0, "Linear Down", 1.0, part) == 1.0
    assert scheduled(9.0, 1.0, "Power Up", 0.5, part) == 3.0
    assert scheduled(9.0, 1.0, "Cosine Up", 1.0, part) == pytest.approx(9.0)


@pytest.mark.parametrize("name", NEUTRAL)
def test_neutral_values_are_bit_equal_to_none(context: Any, name: str) -> None:
    plain = sample(context, request_with(), "guidance")
    neutral = sample(context, request_with(NEUTRAL[name]), "guidance")
    assert torch.equal(plain, neutral)


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_changes_the_picture_and_its_infotext_makes_it_again(context: Any, name: str) -> None:
    part = KINDS[name]
    plain = sample(context, request_with(**SIZE), "guidance")
    changed, made = run(context, request_with(part, **SIZE), "guidance")
    assert not torch.equal(plain, changed)
    from webui.core.infotext import parse_fields

    again = type(part).from_infotext(parse_fields(made[0].infotext))
    assert again == part
    assert type(part).from_infotext({}) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "a cat AND a dog :0.5"},
        {"prompt": "a cat", "negative_prompt": "word " * 90},
        {"options": {"s_min_uncond": 10.0}, "steps": 4},
        {"options": {"skip_early_cond": 0.4}, "steps": 4},
        {"hires": {"scale": 1.5, "upscaler": "Latent", "steps": 2}},
        {"sampler": "DPM++ 2S a"},
        {"sampler": "UniPC"},
        {"sampler": "LCM"},
        {"model": "tiny-sd2v"},
        {"model": "tiny-sdxl"},
        {"tiling": True, "options": {"token_merging_ratio": 0.5}},
    ],
)
def test_all_kinds_together_run_with_other_features_and_a_batch_equals_single_pictures(
    context: Any, changes: dict[str, Any]
) -> None:
    held = list(context.models.holder.values())
    before = [digest_of(each.modules()) for each in held]
    parts = KINDS.values()
    together = sample(context, request_with(*parts, seed=5, batch_size=2, **changes), "guidance")
    second = sample(context, request_with(*parts, seed=6, **changes), "guidance")
    assert together.isfinite().all()
    torch.testing.assert_close(together[1:], second, rtol=2e-3, atol=2e-3)
    # Others may have been loaded.
    assert [digest_of(each.modules()) for each in held] == before


def test_separate_calls_of_prompt_and_negative_change_nothing(context: Any) -> None:
    class Separate:
        @hookimpl
        def prepare_denoising(self, denoising: Any) -> None:
            denoising.guidance = replace(denoising.guidance, batch_cond_uncond=False)

    request = request_with(*KINDS.values(), batch_size=2, **SIZE)
    together = sample(context, request, "guidance")
    own, watcher = with_extensions(context, "guidance")
    own.plugins.register(Separate(), "separate")
    list(generate(request, own))
    torch.testing.assert_close(watcher.latents[0], together, rtol=1e-3, atol=1e-3)


def test_the_network_is_as_before_after_an_end_a_stop_and_an_exception(context: Any) -> None:
    request = request_with(*KINDS.values(), steps=4)
    own, watcher = with_extensions(context, "guidance")
    list(generate(request_with(), own))
    network = watcher.denoisings[0].network

    class Fails:
        @hookimpl
        def prepare_denoising(self, denoising: Any) -> None:
            denoising.after_guidance.append(self.fail)

        def fail(self, result: Tensor, guided: Any) -> Tensor:
            raise ZeroDivisionError

    with without_hooks_left(network):
        list(generate(request, own))
    with without_hooks_left(network):
        events = generate(request, own)
        next(event for event in events if isinstance(event, Progress))
        events.close()
    own.plugins.register(Fails(), "fails")
    with without_hooks_left(network), pytest.raises(ZeroDivisionError):
        list(generate(request, own))


def test_blocks_that_are_not_there_are_refused(context: Any) -> None:
    for name in ("middle", "down.9", "up", "mid.0.0", ""):
        request = request_with(PerturbedAttention(enabled=True, blocks=name))
        with pytest.raises(InvalidRequest, match="no attention in"):
            sample(context, request, "guidance")


def test_infotext_of_other_programs_is_read() -> None:
    stages = '[{"backbone_factor": 1.2, "skip_factor": 0.9}, {"backbone_factor": 1.4}]'
    found = FreeU.from_infotext(
        {"FreeU Stages": stages, "FreeU Schedule": "0.1, 0.8, 0.0", "FreeU Version": "2"}
    )
    assert found == FreeU(enabled=True, b1=1.2, s1=0.9, b2=1.4, s2=1, start=0.1, end=0.8, version="2")
    assert FreeU.from_infotext({"FreeU Stages": "nonsense"}) is None
    forge = {
        "dynthres_enabled": "True",
        "dynthres_mimic_scale": "4",
        "dynthres_threshold_percentile": "1",
        "dynthres_separate_feature_channels": "enable",
        "dynthres_interpolate_phi": "0.3",
    }
    thresholding = DynamicThresholding.from_infotext(forge)
    assert thresholding == DynamicThresholding(enabled=True, mimic_scale=4, percentile=100, phi=0.3)


def test_arguments_come_in_the_order_of_a1111s_extension() -> None:
    args = [True, 5, 99, "Constant", 0, "Half Cosine Up", 2, 4, True, "MEAN", "AD", 0.9]
    part = DynamicThresholding.from_args(args)
    assert part == DynamicThresholding(
        enabled=True, mimic_scale=5, percentile=99, cfg_mode="Half Cosine Up", cfg_scale_min=2, phi=0.9
    )
    assert FreeU.from_args([True, 1.1, 1.2, 0.9, 0.8]).s2 == 0.8
    assert PerturbedAttention.from_args([True, 4]).scale == 4
