"""Seconds to load a checkpoint, beside diffusers in the same run.

    python -m benchmarks.loading CHECKPOINT [--rounds 3] [--other CHECKPOINT]

Ours loads U-Net, VAE and text encoder. diffusers' from_single_file loads only U-Net and VAE, from the same
file, with configs on the disk so that nothing is fetched. The files are in the page cache. "touched" reads
every page. With --other, a file of the same folder, the two take turns: kept, or with memory for one of them.
"""

import argparse
import gc
import tempfile
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from benchmarks.meter import describe_machine, in_turn, peak_gib, report, say
from benchmarks.speed import catalog_of
from webui.core.model_file import ModelFile
from webui.models.cpu.precision import EXACT, NumberFormats, Precision
from webui.models.loader import load
from webui.models.manager import ModelManager

CPU = torch.device("cpu")
PAGE_BYTES = 4096
STORED = NumberFormats(torch.float16, torch.float16, torch.float16, channels_last=True)
CAST = NumberFormats(torch.bfloat16, torch.bfloat16, torch.bfloat16, channels_last=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--other", type=Path)
    chosen = parser.parse_args()
    describe_machine(torch.get_num_threads())
    manager = ModelManager(catalog_of(chosen.checkpoint), CPU, 2**40)
    with manager.use(chosen.checkpoint.name, precision=Precision.AUTO) as sd:
        file, auto = sd.file, sd.numbers
    say(f"auto chose {auto}")
    manager.unload()
    works = {
        "Atelier, auto": loading(file, auto),
        "Atelier, auto, touched": loading(file, auto, touch=True),
        "Atelier, as stored (fp16)": loading(file, STORED),
        "Atelier, cast at once (bf16)": loading(file, CAST),
        "Atelier, exact (fp32)": loading(file, EXACT),
        "diffusers, as stored (fp16)": peer_loading(file.path, torch.float16),
        "diffusers": peer_loading(file.path, torch.bfloat16),
    }
    report("load (diffusers: bf16)", in_turn(works, chosen.rounds), "diffusers")
    if chosen.other is not None:
        names = (file.name, chosen.other.name)
        works = {
            "Atelier, both kept": switching(manager, names),
            "Atelier, memory for one": switching(ModelManager(manager.catalog, CPU, 1), names),
            "diffusers": peer_loading(file.path, torch.float16),
        }
        report(
            "switch to the other checkpoint (diffusers: load as stored)",
            in_turn(works, chosen.rounds),
            "diffusers",
        )
    say(f"peak memory of the process: {peak_gib():.2f} GiB")


def loading(file: ModelFile, numbers: NumberFormats, *, touch: bool = False) -> Callable[[], object]:
    """Our loader."""

    def work() -> None:
        gc.collect()
        model = load(file, numbers, CPU)
        if touch:
            for module in model.modules():
                for parameter in module.parameters():
                    raw = parameter.detach().contiguous().view(-1).view(torch.uint8)
                    raw[::PAGE_BYTES].sum()

    return work


def peer_loading(path: Path, dtype: torch.dtype) -> Callable[[], object]:
    """diffusers' loader, with its own configs of SD1.5 written where it looks for them."""
    folder = Path(tempfile.mkdtemp(prefix="configs-"))
    unet = UNet2DConditionModel.from_config(
        {"cross_attention_dim": 768, "attention_head_dim": 8, "sample_size": 64}
    )
    vae_blocks = {
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (128, 256, 512, 512),
        "layers_per_block": 2,
    }
    vae = AutoencoderKL(**vae_blocks)
    unet.save_config(folder / "unet")
    vae.save_config(folder / "vae")

    def work() -> None:
        gc.collect()
        for kind, name in ((UNet2DConditionModel, "unet"), (AutoencoderKL, "vae")):
            kind.from_single_file(
                str(path), config=str(folder), subfolder=name, torch_dtype=dtype, local_files_only=True
            )

    return work


def switching(manager: ModelManager, names: tuple[str, str]) -> Callable[[], object]:
    """To whichever of two was not used last."""
    turns = cycle(names)

    def switch() -> None:
        with manager.use(next(turns)):
            pass

    return switch


if __name__ == "__main__":
    main()
