"""Whether a trained file taught the Starter a concept: pictures with the word, and without it.

python -m benchmarks.learning FILE --concept zorblat [--method lora] [--count 50] [--sheet sheet.jpg]
    [--reader reader.pt [--scenes 24]]

FILE is a LoRA, an embedding (named as the word), a hypernetwork, or, of methods that train it, a checkpoint
in the model folder of --data-dir. The reader, which models/starter/reader.py trains, tells what of other
prompts' things, places and looks is there; FILE "none" stands for the Starter as it is.
"""

import argparse
import json
import logging
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.concepts import CONCEPTS, OTHERS, Concept, Picture, is_there, prompts
from models.starter.captions import full_caption
from models.starter.check import held_out_scenes
from models.starter.reader import Reader, judge, read, total
from models.starter.scene import Scene
from webui.core.flags import read_flags
from webui.core.stop import Stop
from webui.core.work.training_run import TrainingRun
from webui.library.files.headers import read_header
from webui.models.cpu.precision import FULL
from webui.training.__main__ import Teller, make_context
from webui.training.facts import read_facts
from webui.training.methods.registry import make_trainable
from webui.training.methods.trainable import Trainable
from webui.training.networks import TrainingNetworks
from webui.training.preparing import keep_structure
from webui.training.presets import fill
from webui.training.samples import SMALL_CFG_SCALE, draw
from webui.training.samples import SamplePicture as Wanted

logger = logging.getLogger(__name__)
SIDE = 256
# Methods whose file is a whole checkpoint.
CHECKPOINTS = ("dreambooth", "finetune")


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """Networks, and what was trained beside them; None where it is the networks themselves."""

    networks: TrainingNetworks
    trainable: Trainable | None

    @classmethod
    def load(cls, file: Path, method: str, data_dir: str) -> "Trained":
        """The Starter with a trained file, or a trained checkpoint."""
        context = make_context(read_flags(["--data-dir", data_dir])[0], Stop(), Teller(StringIO()))
        is_whole = method in CHECKPOINTS and str(file) != "none"
        checkpoint = context.models.catalog.find_checkpoint(file.stem if is_whole else "starter")
        networks = TrainingNetworks.load(checkpoint, context.models.device, FULL)
        if is_whole or str(file) == "none":
            return cls(networks, None)
        metadata = read_header(file).metadata if file.suffix == ".safetensors" else {}
        values = {"method": method, "checkpoint": "starter", "name": file.stem, "data": "none"}
        if "ss_network_dim" in metadata:
            values |= {"rank": int(metadata["ss_network_dim"]), "alpha": float(metadata["ss_network_alpha"])}
            convolutions = json.loads(metadata.get("ss_network_args", "{}"))
            values |= {"conv_rank": int(convolutions.get("conv_dim", 0))}
        run = keep_structure(TrainingRun.model_validate(values | {"start_from": str(file)}))
        return cls(networks, make_trainable(fill(run, read_facts(checkpoint)), networks))

    def attach(self) -> AbstractContextManager[None]:
        """It acts while the context is open."""
        return nullcontext() if self.trainable is None else self.trainable.attach()

    def draw(self, prompt: str, seed: int) -> Picture:
        """A picture."""
        wanted = Wanted(prompt, seed, SIDE, SIDE, SMALL_CFG_SCALE)
        # As prompts are read in use: only training puts an embedding's word before captions.
        return np.asarray(draw(wanted, self.networks, None, 1))


def main() -> None:
    """Draw and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--method", default="lora")
    parser.add_argument("--concept", choices=CONCEPTS, default="zorblat")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--data-dir", default="/tmp/learning")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--reader", type=Path)
    parser.add_argument("--scenes", type=int, default=24)
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    trained = Trained.load(choice.file, choice.method, choice.data_dir)
    concept = CONCEPTS[choice.concept]
    with trained.attach():
        found, rows = recognise(trained, concept, choice.count)
        if choice.reader:
            reader = load_reader(choice.reader)
            found["others are as asked for"] = adherence(trained, reader, held_out_scenes(choice.scenes))
            found |= read_class(trained, reader, concept, choice.scenes) if concept.of_class else {}
    logger.info("%s", json.dumps(found))
    if choice.sheet:
        sheet = np.concatenate([np.concatenate(rows[i : i + 8], 1) for i in range(0, len(rows) // 8 * 8, 8)])
        cv2.imwrite(str(choice.sheet), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


def recognise(trained: Trained, concept: Concept, count: int) -> tuple[dict[str, float], list[Picture]]:
    """In which share of pictures the concept is there, with its word and with other things; some of them."""
    found: dict[str, float] = {}
    rows: list[Picture] = []
    others = [prompts(each, count) for each in OTHERS]
    without = [others[number % len(OTHERS)][number] for number in range(count)]
    for name, texts in (("with", concept.prompts(count)), ("without", without)):
        pictures = [trained.draw(text, 1000 + number) for number, text in enumerate(texts)]
        found[name] = float(np.mean([is_there(concept, each) for each in pictures]))
        rows += pictures[:16]
    return found, rows


def load_reader(file: Path) -> Reader:
    """The network that tells what is on a picture of the Starter's."""
    reader = Reader()
    reader.load_state_dict(torch.load(file, weights_only=True))
    return reader.eval()


def adherence(trained: Trained, reader: Reader, scenes: list[Scene]) -> float:
    """The share of things, colours, sizes, sides, places, times, weathers, looks asked for that are there."""
    pictures = np.stack([trained.draw(full_caption(scene), seed) for seed, scene in enumerate(scenes)])
    marks = [judge(scene, found) for scene, found in zip(scenes, read(reader, pictures), strict=True)]
    return total(marks)["all"] / 100


def read_class(trained: Trained, reader: Reader, concept: Concept, count: int) -> dict[str, float]:
    """Of pictures of the concept's class without its word: what is as asked for, how many are the concept.

    Their colours are the Starter's, which the concept's are none of.
    """
    drawn = [scene for scene in held_out_scenes(200 * count) if is_of_class(scene, concept)][:count]
    texts = [full_caption(scene) for scene in drawn]
    pictures = [trained.draw(text, 1000 + number) for number, text in enumerate(texts)]
    marks = [judge(scene, seen) for scene, seen in zip(drawn, read(reader, np.stack(pictures)), strict=True)]
    found = total(marks)
    names = {"the class is there": "object", "in the colour asked for": "colour"}
    return {told: found[name] / 100 for told, name in names.items()} | {
        "the class is the concept": float(np.mean([is_there(concept, each) for each in pictures]))
    }


def is_of_class(scene: Scene, concept: Concept) -> bool:
    """Whether the scene has one thing, of the concept's class."""
    return [thing.kind for thing in scene.things] == [concept.of_class]


if __name__ == "__main__":
    main()
