"""Seconds a step, a decode and a whole picture of SD1.5 at 512x512, beside diffusers in the same run.

    python -m benchmarks.speed CHECKPOINT [--parts step,decode,text,picture] [--rounds 3]

The peer is diffusers as it is fastest without compiling: bfloat16, channels last, torch's fused attention.
"""

import argparse
from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

import torch
from diffusers import (
    AutoencoderKL,
    EulerAncestralDiscreteScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from torch import Tensor

from benchmarks.engine import Engine
from benchmarks.meter import describe_machine, in_turn, peak_gib, report, say
from webui.diffusion.text_encoder import EncodingOptions
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.folders import ModelFolders
from webui.models.cpu.precision import NumberFormats
from webui.models.loaded_model import LoadedModel
from webui.models.loader import load
from webui.models.manager import ModelManager
from webui.store.database import IN_MEMORY, Database
from webui.store.header_cache import HeaderCache

CPU = torch.device("cpu")
PLAIN = NumberFormats(torch.bfloat16, torch.bfloat16, torch.bfloat16, channels_last=True)
PROMPT, NEGATIVE = "a lighthouse on a cliff in the evening", "blurry"
STEPS = 8


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--parts", default="step,decode,text,picture")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    describe_machine(chosen.threads)
    manager = ModelManager(catalog_of(chosen.checkpoint), CPU, 2**40)
    with manager.use(chosen.checkpoint.name) as sd:
        peer = make_peer(sd)
        say(f"auto chose {sd.numbers}")
        parts: dict[str, Callable[[], dict[str, Callable[[], object]]]] = {
            "step": lambda: step_works(sd, peer),
            "decode": lambda: decode_works(sd, peer),
            "text": lambda: text_works(sd, peer),
            "picture": lambda: picture_works(chosen.checkpoint, peer),
        }
        with torch.no_grad():
            for name in chosen.parts.split(","):
                report(name, in_turn(parts[name](), chosen.rounds), "diffusers")
    say(f"peak memory of the process, both models in it: {peak_gib():.2f} GiB")


def catalog_of(checkpoint: Path) -> Catalog:
    """A catalog of the checkpoint's folder."""
    catalog = Catalog(ModelFolders((checkpoint.parent,)), HeaderCache(Database(IN_MEMORY)))
    catalog.scan()
    return catalog


def make_peer(sd: LoadedModel) -> StableDiffusionPipeline:
    """diffusers' own classes with the same weights, as fast as they go."""
    plain = load(sd.file, PLAIN, CPU)
    with torch.device("meta"):
        unet = UNet2DConditionModel(**without_private(plain.network.unet.config)).eval()
        vae = AutoencoderKL(**without_private(plain.vae.module.config)).eval()
    unet.load_state_dict(plain.network.unet.state_dict(), assign=True)
    vae.load_state_dict(plain.vae.module.state_dict(), assign=True)
    # transformers' own class; ours takes its layers one by one.
    text = plain.text_encoder.towers[0].text_model
    scheduler = EulerAncestralDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"
    )
    pipe = StableDiffusionPipeline(
        vae, text, None, unet, scheduler, None, None, requires_safety_checker=False
    )  # type: ignore[arg-type]  # the prompts come encoded, so there is no tokenizer
    pipe.unet.to(memory_format=torch.channels_last)
    pipe.vae.to(memory_format=torch.channels_last)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def without_private(config: dict[str, object]) -> dict[str, object]:
    """A config's arguments without what diffusers notes beside them."""
    return {key: value for key, value in config.items() if not key.startswith("_")}


def seeded(*shape: int) -> Tensor:
    """The same noise for all."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def step_works(sd: LoadedModel, peer: StableDiffusionPipeline) -> dict[str, Callable[[], object]]:
    """One evaluation of the network with CFG (two rows)."""
    latent, crossattn, when = seeded(2, 4, 64, 64), seeded(2, 77, 768), torch.tensor([500.0, 500.0])
    given = latent.bfloat16().contiguous(memory_format=torch.channels_last)
    return {
        "Atelier, auto": lambda: sd.network(latent, when, crossattn),
        "diffusers": lambda: peer.unet(given, when, crossattn.bfloat16(), return_dict=False),
    }


def decode_works(sd: LoadedModel, peer: StableDiffusionPipeline) -> dict[str, Callable[[], object]]:
    """One latent to a picture."""
    latent = seeded(1, 4, 64, 64)
    given = latent.bfloat16().contiguous(memory_format=torch.channels_last)
    return {
        "Atelier, auto": lambda: sd.vae.decode(latent),
        "diffusers": lambda: peer.vae.decode(given, return_dict=False),
    }


def text_works(sd: LoadedModel, peer: StableDiffusionPipeline) -> dict[str, Callable[[], object]]:
    """Prompt and negative prompt."""
    tokens = torch.randint(0, 49000, (2, 77), generator=torch.Generator().manual_seed(0))
    return {
        "Atelier, auto": lambda: sd.text_encoder.encode([PROMPT, NEGATIVE], EncodingOptions()),
        "diffusers": lambda: peer.text_encoder(tokens),
    }


def picture_works(checkpoint: Path, peer: StableDiffusionPipeline) -> dict[str, Callable[[], object]]:
    """A whole picture of eight steps: text, Euler a with CFG, decoding."""
    on_cpu = ("--use-cpu", "all")
    number = count()
    engine = Engine(checkpoint.parent, Path(mkdtemp()), on_cpu)
    tokens = torch.randint(0, 49000, (2, 77), generator=torch.Generator().manual_seed(0))

    def ours() -> None:
        # A prompt of its own, which no earlier one has encoded.
        prompt = f"{PROMPT}, {next(number)}"
        run = engine.run(
            model=checkpoint.name,
            prompt=prompt,
            negative_prompt=NEGATIVE,
            steps=STEPS,
            sampler="Euler a",
            seed=1,
        )
        assert run.error is None, run.error

    def theirs() -> None:
        prompt, negative = peer.text_encoder(tokens)[0].split(1)
        peer(
            prompt_embeds=prompt,
            negative_prompt_embeds=negative,
            num_inference_steps=STEPS,
            guidance_scale=7.0,
            height=512,
            width=512,
            generator=torch.Generator().manual_seed(1),
        )

    return {"Atelier, auto": ours, "diffusers": theirs}


if __name__ == "__main__":
    main()
