"""Kinds and families by names and shapes alone."""

import gzip
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from webui.core.model_file import AdapterSort, Family, KeyStyle, ModelKind
from webui.library.files.headers import Header, TensorInfo, read_header
from webui.library.recognise.identify import identify
from webui.library.recognise.kinds import describe

REAL = json.loads(
    gzip.decompress((Path(__file__).parent.parent / "headers" / "headers.json.gz").read_bytes())
)
# The list's words for kinds and families, where ours are others.
KINDS = {
    "dora": ModelKind.LORA,
    "lokr": ModelKind.LORA,
    "control_lora": ModelKind.CONTROL_LORA,
    "ip_adapter": ModelKind.IP_ADAPTER,
    "diffusion_model": ModelKind.DIFFUSION_MODEL,
    "text_encoder": ModelKind.TEXT_ENCODER,
}
FAMILIES = {
    "sd1": Family.SD1,
    "sdxl": Family.SDXL,
    "flux1": Family.FLUX,
    "flux2": Family.FLUX2,
    "anima": Family.ANIMA,
    "krea2": Family.KREA2,
    "qwen-image": Family.QWEN_IMAGE,
    # A text encoder is of no family: several use the same one.
    "qwen2.5-vl": Family.UNKNOWN,
}
SORTS = {"lora": AdapterSort.LORA, "dora": AdapterSort.DORA, "lokr": AdapterSort.LOKR}
STYLES = {
    "kohya names": KeyStyle.KOHYA,
    "PEFT-like names": KeyStyle.AI_TOOLKIT,
    "OneTrainer names": KeyStyle.ONETRAINER,
    "ai-toolkit names": KeyStyle.AI_TOOLKIT,
    "diffusers names": KeyStyle.DIFFUSERS,
    "diffusers names, part": KeyStyle.DIFFUSERS,
    "XLabs names": KeyStyle.XLABS,
}
ASSETS = Path(__file__).parent.parent / "goldens" / "assets"
SD15 = {key: tuple(shape) for key, shape in REAL["sd15_checkpoint"]["shapes"].items()}
SDXL = {key: tuple(shape) for key, shape in REAL["sdxl_checkpoint"]["shapes"].items()}
FIRST = "model.diffusion_model.input_blocks.0.0.weight"


def header(shapes: dict[str, tuple[int, ...]], metadata: dict[str, str] | None = None) -> Header:
    return Header({key: TensorInfo("F16", shape) for key, shape in shapes.items()}, metadata or {})


def real_header(name: str) -> Header:
    return header({key: tuple(shape) for key, shape in REAL[name]["shapes"].items()})


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_is_of_its_kind_and_family(name: str) -> None:
    real, found = REAL[name], identify(real_header(name))
    kind = KINDS.get(real["kind"]) or ModelKind(real["kind"])
    assert (found.kind, found.family) == (kind, FAMILIES[real["family"]])
    assert found.can_run is (real["family"] in {"sd1", "sdxl"})


@pytest.mark.parametrize("name", [name for name in REAL if REAL[name]["kind"] in SORTS])
def test_a_real_lora_is_of_its_sort_and_in_its_names(name: str) -> None:
    found = identify(real_header(name))
    assert (found.sort, found.key_style) == (SORTS[REAL[name]["kind"]], STYLES[REAL[name]["note"]])


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_is_recognised_in_under_50_ms(name: str) -> None:
    real = real_header(name)
    took = []
    for _ in range(3):
        start = time.process_time()
        identify(replace(real))
        took.append(time.process_time() - start)
    assert min(took) < 0.05


def test_the_sentence_of_a_file_says_what_it_is_for_whom_and_why_not() -> None:
    assert describe(identify(real_header("anima_lora_lokr"))) == (
        "A LoKr for Anima in the names of ai-toolkit; it changes a checkpoint where the prompt says "
        "<lora:name:1>. It is for Anima, which cannot be run here yet."
    )
    assert describe(identify(real_header("sdxl_checkpoint"))) == "A checkpoint of SDXL; it makes pictures."


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("tiny-sd15", Family.SD1),
        ("tiny-b", Family.SD1),
        ("tiny-sd2v", Family.SD2),
        ("tiny-sdxl", Family.SDXL),
    ],
)
def test_a_small_checkpoint_is_told_by_the_same_rules(golden_models: Path, name: str, family: Family) -> None:
    found = identify(read_header(golden_models / f"{name}.safetensors"))
    assert (found.kind, found.family, found.reason) == (ModelKind.CHECKPOINT, family, None)


def test_nine_input_channels_make_an_inpainting_checkpoint() -> None:
    found = identify(header(SD15 | {FIRST: (320, 9, 3, 3)}))
    assert found.is_inpainting
    assert found.reason is None
    assert not identify(header(SD15)).is_inpainting


@pytest.mark.parametrize("channels", [5, 8])
def test_other_input_channels_are_refused_with_their_number(channels: int) -> None:
    found = identify(header(SD15 | {FIRST: (320, channels, 3, 3)}))
    assert f"takes {channels} channels" in (found.reason or "")


def test_the_refiner_has_one_text_encoder_and_that_with_projection() -> None:
    shapes = {
        key.replace("embedders.1.", "embedders.0."): shape
        for key, shape in SDXL.items()
        if not key.startswith("conditioner.embedders.0.")
    }
    shapes |= {"model.diffusion_model.label_emb.0.0.weight": (1536, 2560)}
    assert identify(header(shapes)).family is Family.SDXL_REFINER


@pytest.mark.parametrize(
    ("extra", "metadata", "prediction"),
    [
        ({}, {}, None),
        ({"v_pred": (0,)}, {}, "v"),
        ({}, {"modelspec.prediction_type": "v"}, "v"),
        ({}, {"modelspec.prediction_type": "epsilon"}, "eps"),
    ],
)
def test_markers_and_metadata_tell_the_prediction(
    extra: dict[str, tuple[int, ...]], metadata: dict[str, str], prediction: str | None
) -> None:
    assert identify(header(SDXL | extra, metadata)).prediction == prediction


def test_a_marker_tells_a_zero_terminal_snr() -> None:
    assert identify(header(SDXL | {"ztsnr": (0,)})).has_zero_snr
    assert not identify(header(SDXL)).has_zero_snr


def test_sd1_without_text_model_in_its_names_is_sd1() -> None:
    found = identify(header({key.replace(".text_model.", "."): shape for key, shape in SD15.items()}))
    assert (found.kind, found.family, found.reason) == (ModelKind.CHECKPOINT, Family.SD1, None)


def test_a_unet_alone_is_no_checkpoint_and_says_so() -> None:
    bare = {
        k.removeprefix("model.diffusion_model."): v
        for k, v in SD15.items()
        if k.startswith("model.diffusion")
    }
    found = identify(header(bare))
    assert (found.kind, found.family) == (ModelKind.DIFFUSION_MODEL, Family.SD1)
    assert "without text encoder" in (found.reason or "")


def test_the_vae_of_a_checkpoint_is_a_vae_alone_too() -> None:
    prefix = "first_stage_model."
    vae = {key.removeprefix(prefix): shape for key, shape in SD15.items() if key.startswith(prefix)}
    assert identify(header(vae)) == identify(header({prefix + key: shape for key, shape in vae.items()}))
    assert (identify(header(vae)).kind, identify(header(vae)).reason) == (ModelKind.VAE, None)
    decoder = {key: shape for key, shape in vae.items() if not key.startswith(("encoder.", "quant_conv."))}
    assert "no encoder" in (identify(header(decoder)).reason or "")


@pytest.mark.parametrize(
    ("path", "kind", "family"),
    [
        ("embeddings/ti-pt.pt", ModelKind.EMBEDDING, Family.UNKNOWN),
        ("embeddings/ti-st.safetensors", ModelKind.EMBEDDING, Family.UNKNOWN),
        ("embeddings/ti-diff.bin", ModelKind.EMBEDDING, Family.UNKNOWN),
        ("embeddings-xl/ti-xl.safetensors", ModelKind.EMBEDDING, Family.SDXL),
        ("hypernetworks/hn-a.pt", ModelKind.HYPERNETWORK, Family.UNKNOWN),
        ("hypernetworks/hn-b.pt", ModelKind.HYPERNETWORK, Family.UNKNOWN),
    ],
)
def test_small_networks_are_told_apart(path: str, kind: ModelKind, family: Family) -> None:
    found = identify(read_header(ASSETS / path))
    assert (found.kind, found.family, found.reason) == (kind, family, None)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ({"control_model.zero_convs.0.0.weight": (320, 320, 1, 1)}, ModelKind.CONTROLNET),
        ({"controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3)}, ModelKind.CONTROLNET),
        (
            {"model.0.weight": (64, 3, 3, 3), "model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3)},
            ModelKind.UPSCALER,
        ),
        (
            {"conv_first.weight": (64, 3, 3, 3), "body.0.rdb1.conv1.weight": (32, 64, 3, 3)},
            ModelKind.UPSCALER,
        ),
        ({"1.weight": (64, 4, 3, 3), "3.conv.0.weight": (64, 64, 3, 3)}, ModelKind.TAESD),
        ({"encoder.block.0.layer.0.SelfAttention.q.weight": (4096, 4096)}, ModelKind.TEXT_ENCODER),
        ({"lora_unet_x_attn2_to_k.lora_down.weight": (4, 768)}, ModelKind.LORA),
        ({"clip_l": (1, 768), "clip_g": (1, 1280)}, ModelKind.EMBEDDING),
        ({"fc.weight": (10, 10), "fc.bias": (10,)}, ModelKind.UNKNOWN),
        ({}, ModelKind.UNKNOWN),
    ],
)
def test_names_tell_the_kind(names: dict[str, tuple[int, ...]], kind: ModelKind) -> None:
    found = identify(header(names))
    assert found.kind is kind
    usable = {ModelKind.UPSCALER, ModelKind.TAESD, ModelKind.LORA, ModelKind.EMBEDDING, ModelKind.CONTROLNET}
    assert found.can_run is (kind in usable)


@pytest.mark.parametrize(
    ("width", "family"),
    [(768, Family.SD1), (1024, Family.SD2), (2048, Family.SDXL), (1280, Family.SDXL_REFINER)],
)
def test_the_width_of_the_text_tells_a_loras_family(width: int, family: Family) -> None:
    name = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    assert identify(header({f"{name}.lora_down.weight": (4, width)})).family is family
