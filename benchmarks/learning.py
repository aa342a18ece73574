"""Whether a trained file taught the Starter a concept: pictures with the word, and without it.

python -m benchmarks.learning FILE --concept zorblat [--count 50] [--sheet sheet.jpg]
"""

import argparse
import json
import logging
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.concepts import CONCEPTS, Picture, is_there, prompts
from webui.core.flags import read_flags
from webui.core.stop import Stop
from webui.core.work.training_run import TrainingRun
from webui.library.files.headers import read_header
from webui.models.cpu.precision import FULL
from webui.training.__main__ import Teller, make_context
from webui.training.facts import read_facts
from webui.training.methods.registry import make_trainable
from webui.training.networks import TrainingNetworks
from webui.training.presets import fill
from webui.training.samples import SMALL_CFG_SCALE, draw
from webui.training.samples import SamplePicture as Wanted

logger = logging.getLogger(__name__)
OTHERS = ("a big red house", "a big blue boat", "a big yellow star", "a big white rabbit", "a big green car")
SIDE = 256


def main() -> None:
    """Draw and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--method", default="lora")
    parser.add_argument("--concept", choices=CONCEPTS, default="zorblat")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--data-dir", default="/tmp/learning")
    parser.add_argument("--sheet", type=Path)
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    context = make_context(read_flags(["--data-dir", choice.data_dir])[0], Stop(), Teller(StringIO()))
    checkpoint = context.models.catalog.find_checkpoint("starter")
    networks = TrainingNetworks.load(checkpoint, context.models.device, FULL)
    facts = read_facts(checkpoint)
    metadata = read_header(choice.file).metadata if choice.file.suffix == ".safetensors" else {}
    values = {"method": choice.method, "checkpoint": "starter", "name": choice.file.stem, "data": "none"}
    if "ss_network_dim" in metadata:
        values |= {"rank": int(metadata["ss_network_dim"]), "alpha": float(metadata["ss_network_alpha"])}
    run = fill(TrainingRun.model_validate(values | {"start_from": str(choice.file)}), facts)
    trainable = make_trainable(run, networks)
    concept = CONCEPTS[choice.concept]
    found: dict[str, float] = {}
    rows: list[Picture] = []
    with trainable.attach():
        for name, what in (("with", (f"a {concept.word}",)), ("without", OTHERS)):
            pictures = []
            texts = [prompts(each, choice.count) for each in what]
            for number in range(choice.count):
                wanted = Wanted(
                    texts[number % len(texts)][number], 1000 + number, SIDE, SIDE, SMALL_CFG_SCALE
                )
                pictures.append(np.asarray(draw(wanted, networks, trainable, 1)))
            found[name] = float(np.mean([is_there(concept, each) for each in pictures]))
            rows += pictures[:16]
    logger.info("%s", json.dumps(found))
    if choice.sheet:
        sheet = np.concatenate([np.concatenate(rows[i : i + 8], 1) for i in range(0, len(rows) // 8 * 8, 8)])
        cv2.imwrite(str(choice.sheet), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
