"""What a GPU makes of the engine, beside diffusers in the same run: one JSON with every figure.

    python -m benchmarks.gpu [--out FILE] [--minutes 8] [--families sd15,sdxl]
    python -m benchmarks.gpu --device cpu --small      (the same paths at toy size, to know they work)

Random weights of real size are made on the device. Neither Gradio nor FastAPI is needed. The peers are
diffusers' pipeline (float16, channels last, not compiled) and the network alone under `torch.compile`. What
does not fit into the minutes is left out and named in the JSON, which is written again after each part.
"""

import argparse
import gc
import json
import logging
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import (
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.engine import ROOT, Engine, Run, write_random_checkpoint
from benchmarks.loras import make_lora
from benchmarks.speed import without_private
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.models.cpu.precision import NumberFormats
from webui.models.loader import LoadedModel, load

logger = logging.getLogger("gpu")
PROMPT, NEGATIVE = "a lighthouse on a cliff in the evening", "blurry"
LORA = "benchmark-lora"
# Of a run's seconds, what is not steps drops out of the difference between a long and a short one.
SHORT, LONG = 4, 24
ROUNDS = 3
# SDXL is told six sizes, each as so many numbers.
SIZE_WIDTH = 256


@dataclass(frozen=True, slots=True)
class Model:
    """A checkpoint to measure and how large its pictures are."""

    name: str
    path: Path
    side: int

    @property
    def is_sdxl(self) -> bool:
        """Whether it has two text encoders and a vector."""
        return "sdxl" in self.name


@dataclass(slots=True)
class Report:
    """Figures by part, written after each; parts that fail or find no time are named."""

    out: Path
    ends: float
    figures: dict[str, Any] = field(default_factory=dict[str, Any])

    def measure(self, part: str, work: Callable[[], object]) -> None:
        """Do one part and note what it gives."""
        if time.monotonic() > self.ends:
            self.figures[part] = "left out: no time"
        else:
            logger.info("%s …", part)
            began = time.monotonic()
            try:
                self.figures[part] = work()
            except Exception as error:  # one part must not cost the others
                logger.exception("%s", part)
                self.figures[part] = f"failed: {type(error).__name__}: {error}"
            logger.info("%s took %.1f s: %s", part, time.monotonic() - began, self.figures[part])
        self.out.write_text(json.dumps(self.figures, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Measure; gives 1 if a part failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--families", default="sd15,sdxl")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--out", type=Path, default=Path("gpu.json"))
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    device = torch.device(chosen.device)
    report = Report(chosen.out, time.monotonic() + 60 * chosen.minutes)
    report.measure("machine", lambda: describe(device))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), device, small=chosen.small)
        for name in chosen.families.split(","):
            report.measure(f"{name} weights", lambda name=name: bench.make(name))
        for model in bench.models:
            bench.measure(model, report)
        report.measure("switch", bench.switch)
    return int(any(str(value).startswith("failed") for value in report.figures.values()))


def describe(device: torch.device) -> dict[str, object]:
    """The device and the versions."""
    on_gpu = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if on_gpu else platform.processor() or "processor",
        "memory_gib": round(torch.cuda.get_device_properties(device).total_memory / 2**30, 1)
        if on_gpu
        else None,
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "python": platform.python_version(),
    }


class Bench:
    """The parts. `small`: golden checkpoints and 64 pixels, in place of real sizes."""

    def __init__(self, home: Path, device: torch.device, *, small: bool) -> None:
        self.home, self.device, self.small = home, device, small
        self.models: list[Model] = []

    def make(self, name: str) -> dict[str, object]:
        """Weights for one family, and a LoRA for its network."""
        folder = self.home / "models"
        if self.small:
            maker = ROOT / "tests" / "goldens" / "make_checkpoints.py"
            subprocess.run([sys.executable, maker, folder, f"tiny-{name}"], check=True, capture_output=True)
            model = Model(name, folder / f"tiny-{name}.safetensors", 64)
        else:
            path = write_random_checkpoint(folder / f"{name}.safetensors", f"{name}_checkpoint", self.device)
            model = Model(name, path, 1024 if name == "sdxl" else 512)
        self.models.append(model)
        return {"gib": round(model.path.stat().st_size / 2**30, 2)}

    def measure(self, model: Model, report: Report) -> None:
        """Every part for one checkpoint."""
        report.measure(f"{model.name} compared", lambda: self.compare(model))
        report.measure(f"{model.name} first and later pictures", lambda: self.first_pictures(model))
        report.measure(f"{model.name} LoRA", lambda: self.lora(model))
        for flags in ((), ("--medvram",), ("--lowvram",)):
            label = flags[0] if flags else "no flag"
            report.measure(f"{model.name} memory, {label}", lambda flags=flags: self.memory(model, flags))
        report.measure(f"{model.name} more than fits", lambda: self.more_than_fits(model))

    @contextmanager
    def engine(self, *flags: str) -> Iterator[Engine]:
        """A new engine on the checkpoints made; what it held is free afterwards."""
        on_cpu = ("--use-cpu", "all") if self.device.type == "cpu" else ()
        engine = Engine(self.home / "models", self.home / "data", [*on_cpu, *flags])
        try:
            yield engine
        finally:
            engine.close()
            del engine
            self.tidy()

    def tidy(self) -> None:
        """Give the device's memory back."""
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)

    def wait(self) -> None:
        """Until the device has done what it was told."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def peak_gib(self) -> float | None:
        """Most memory of the device that tensors took since `tidy`."""
        if self.device.type != "cuda":
            return None
        return round(torch.cuda.max_memory_allocated(self.device) / 2**30, 3)

    def steps(self) -> tuple[int, int]:
        """Steps of a short and of a long run."""
        return (1, 3) if self.small else (SHORT, LONG)

    def request(self, model: Model, **changes: object) -> dict[str, object]:
        """Fields of a request for one checkpoint."""
        fields = {
            "model": model.path.name,
            "prompt": PROMPT,
            "negative_prompt": NEGATIVE,
            "width": model.side,
            "height": model.side,
            "sampler": "Euler",
            "seed": 1,
            "steps": self.steps()[0],
        }
        return fields | changes

    def compare(self, model: Model) -> dict[str, object]:
        """Seconds a step of ours, of diffusers' pipeline, and of the compiled network, in turns."""
        found: dict[str, object] = {}
        peer = Peer(model, self.device, exact=self.small)
        with self.engine() as engine:
            for batch in (1, 4):
                # Loading and first calls count for neither.
                self.our_step(engine, model, batch)
                peer.picture(1, batch)
                ours = [self.our_step(engine, model, batch) for _ in range(1 if self.small else ROUNDS)]
                theirs = [self.their_step(peer, batch) for _ in range(1 if self.small else ROUNDS)]
                found[f"batch {batch}"] = {
                    "ours_s": statistics.median(ours),
                    "diffusers_s": statistics.median(theirs),
                    "ratio_to_diffusers": statistics.median(ours) / statistics.median(theirs),
                    "ours_all_s": ours,
                    "diffusers_all_s": theirs,
                }
        if not self.small:
            for batch in (1, 4):
                compiled = self.compiled_step(peer, batch)
                row = found[f"batch {batch}"]
                assert isinstance(row, dict)
                row |= {"compiled_network_s": compiled, "ratio_to_compiled": row["ours_s"] / compiled}
        del peer
        self.tidy()
        return found

    def our_step(self, engine: Engine, model: Model, batch: int) -> float:
        """Seconds a step: the difference of a long and a short run."""
        short, long = self.steps()
        took = []
        for steps in (short, long):
            run = checked(engine.run(**self.request(model, steps=steps, batch_size=batch)))
            took.append(run.seconds)
        return (took[1] - took[0]) / (long - short)

    def their_step(self, peer: "Peer", batch: int) -> float:
        """The same of diffusers' pipeline."""
        short, long = self.steps()
        took = []
        for steps in (short, long):
            began = time.perf_counter()
            peer.picture(steps, batch)
            self.wait()
            took.append(time.perf_counter() - began)
        return (took[1] - took[0]) / (long - short)

    @torch.no_grad()
    def compiled_step(self, peer: "Peer", batch: int) -> float:
        """One evaluation of the compiled network with both sides of CFG."""
        network, inputs = torch.compile(peer.unet), peer.network_inputs(2 * batch)
        for _ in range(3):
            network(**inputs)
        self.wait()
        began = time.perf_counter()
        for _ in range(10):
            network(**inputs)
        self.wait()
        return (time.perf_counter() - began) / 10

    def first_pictures(self, model: Model) -> dict[str, object]:
        """From nothing loaded, then again: what loading costs, and from the last step to the file."""
        with self.engine() as engine:
            first = checked(engine.run(**self.request(model)))
            again = [checked(engine.run(**self.request(model, seed=seed))) for seed in range(2, 5)]
        files = [run.seconds_from_last_step_to_file() for run in again]
        return {
            "first_s": first.seconds,
            "later_s": statistics.median(run.seconds for run in again),
            "last_step_to_file_s": statistics.median(each for each in files if each is not None),
            "messages": first.messages,
        }

    def lora(self, model: Model) -> dict[str, object]:
        """What a LoRA of rank 32 adds to a picture: first use, new weight, removal; then equal again."""
        loaded = open_model(model, torch.device("cpu"), torch.float32)
        save_file(make_lora(loaded.network.unet), model.path.parent / f"{LORA}-{model.name}.safetensors")
        del loaded
        name = f"{LORA}-{model.name}"
        with self.engine() as engine:
            before = engine.picture(**self.request(model))
            plain = checked(engine.run(**self.request(model))).seconds
            found: dict[str, object] = {"plain_s": plain}
            for what, network in (("first_use", f"<lora:{name}:0.8>"), ("new_weight", f"<lora:{name}:0.6>")):
                run = checked(engine.run(**self.request(model, prompt=PROMPT + network)))
                found[f"{what}_adds_s"] = run.seconds - plain
            changed = engine.picture(**self.request(model, prompt=f"{PROMPT}<lora:{name}:0.6>"))
            found["removal_adds_s"] = checked(engine.run(**self.request(model))).seconds - plain
            after = engine.picture(**self.request(model))
        found["changes_the_picture"] = not torch.equal(before, changed)
        found["equal_after_removal"] = torch.equal(before, after)
        return found

    def memory(self, model: Model, flags: Sequence[str]) -> dict[str, object]:
        """Most memory while a picture is made, and how long it takes the second time."""
        with self.engine(*flags) as engine:
            self.tidy()
            checked(engine.run(**self.request(model)))
            run = checked(engine.run(**self.request(model, seed=2)))
            return {"peak_gib": self.peak_gib(), "second_picture_s": run.seconds, "messages": run.messages}

    def more_than_fits(self, model: Model) -> dict[str, object]:
        """A picture far too large: it comes, or a sentence does; and the next job works."""
        side = 256 if self.small else 4096
        with self.engine() as engine:
            self.tidy()
            large = engine.run(**self.request(model, width=side, height=side, steps=2))
            peak = self.peak_gib()
            following = engine.run(**self.request(model))
        return {
            "side": side,
            "pictures": len(large.paths),
            "sentence": large.error,
            "messages": large.messages,
            "seconds": large.seconds,
            "peak_gib": peak,
            "next_job": following.error or "works",
        }

    def switch(self) -> dict[str, object]:
        """From one checkpoint to the other and back: what a picture costs more than without."""
        if len(self.models) < 2:
            return {"left out": "one family only"}
        first, second = self.models[:2]
        with self.engine() as engine:
            for model in (first, second):
                checked(engine.run(**self.request(model)))
            stays = checked(engine.run(**self.request(second))).seconds
            back = checked(engine.run(**self.request(first))).seconds
            again = checked(engine.run(**self.request(first))).seconds
        return {"second_s": stays, "back_s": back, "first_again_s": again, "switch_adds_s": back - again}


class Peer:
    """diffusers' own pipeline on the same file, in float16 and channels last."""

    def __init__(self, model: Model, device: torch.device, *, exact: bool) -> None:
        self.device, self.model = device, model
        self.dtype = torch.float32 if exact else torch.float16
        loaded = open_model(model, device, self.dtype)
        self.vae = loaded.vae.module
        self.unet = self.with_sizes(loaded.network.unet) if model.is_sdxl else loaded.network.unet
        scheduler = EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
        if model.is_sdxl:
            self.pipe = StableDiffusionXLPipeline(
                self.vae, None, None, None, None, self.unet, scheduler, add_watermarker=False
            )  # type: ignore[arg-type]  # the prompts come encoded
        else:
            self.pipe = StableDiffusionPipeline(
                self.vae, None, None, self.unet, scheduler, None, None, requires_safety_checker=False
            )  # type: ignore[arg-type]
        self.pipe.set_progress_bar_config(disable=True)

    def with_sizes(self, unet: UNet2DConditionModel) -> UNet2DConditionModel:
        """The same network as the pipeline calls it, which hands it sizes and text apart; random weights."""
        config = without_private(unet.config)
        vector = config["projection_class_embeddings_input_dim"]
        assert isinstance(vector, int)
        config |= {
            "class_embed_type": None,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": min(SIZE_WIDTH, vector // 12),
        }
        with torch.device(self.device):
            made = UNet2DConditionModel(**config).to(self.dtype).eval().requires_grad_(False)
        return made.to(memory_format=torch.channels_last)

    def picture(self, steps: int, batch: int) -> None:
        """A batch with CFG."""
        given = {"prompt_embeds": self.text(batch), "negative_prompt_embeds": self.text(batch)}
        if self.model.is_sdxl:
            pooled = torch.zeros(batch, self.pooled_width, device=self.device, dtype=self.dtype)
            given |= {"pooled_prompt_embeds": pooled, "negative_pooled_prompt_embeds": pooled}
        side = self.model.side
        self.pipe(num_inference_steps=steps, guidance_scale=7.0, width=side, height=side, **given)

    def text(self, rows: int) -> Tensor:
        """An encoded prompt."""
        width = self.unet.config.cross_attention_dim
        return torch.randn(rows, 77, width, device=self.device, dtype=self.dtype)

    @property
    def pooled_width(self) -> int:
        """What is left for the pooled text of the vector that SDXL takes, beside the six sizes."""
        config = self.unet.config
        return config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim

    def network_inputs(self, rows: int) -> dict[str, object]:
        """Arguments of one evaluation."""
        side = self.model.side // 8
        latent = torch.randn(rows, 4, side, side, device=self.device, dtype=self.dtype)
        given: dict[str, object] = {
            "sample": latent.contiguous(memory_format=torch.channels_last),
            "timestep": torch.full((rows,), 500.0, device=self.device),
            "encoder_hidden_states": self.text(rows),
            "return_dict": False,
        }
        if self.model.is_sdxl:
            pooled = torch.zeros(rows, self.pooled_width, device=self.device, dtype=self.dtype)
            sizes = torch.full((rows, 6), float(self.model.side), device=self.device, dtype=self.dtype)
            given["added_cond_kwargs"] = {"text_embeds": pooled, "time_ids": sizes}
        return given


def open_model(model: Model, device: torch.device, dtype: torch.dtype) -> LoadedModel:
    """The checkpoint's modules in one format."""
    stat = model.path.stat()
    file = ModelFile(
        path=model.path, name=model.path.name, kind=ModelKind.CHECKPOINT, family=Family.UNKNOWN,
        size=stat.st_size, mtime_ns=stat.st_mtime_ns,
    )  # fmt: skip
    return load(file, NumberFormats(dtype, dtype, dtype, channels_last=True), device)


def checked(run: Run) -> Run:
    """A run that did not fail. Raises RuntimeError with its sentence."""
    if run.error:
        raise RuntimeError(run.error)
    return run


if __name__ == "__main__":
    sys.exit(main())
