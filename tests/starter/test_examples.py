"""The example prompts that the page offers, drawn with the Starter's own defaults and read back."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.starter.captions import LOOK_WORDS, PLACE_WORDS
from models.starter.reader import Reader, Reading, read
from models.starter.scene import KINDS
from tests.pipelines.runs import pictures
from webui.core.flags import read_flags
from webui.core.request import make_request
from webui.core.stop import Stop
from webui.main import build_services
from webui.models.images.upscalers import Upscalers
from webui.models.manager import ModelManager
from webui.pipelines.generate.generate import generate
from webui.plugins.context import Context
from webui.store.sidecars import read_card

ROOT = Path(__file__).resolve().parents[2]
STARTER = ROOT / "models" / "starter" / "starter.safetensors"
EXAMPLES = read_card(STARTER).examples
# Of ten examples, so many are read back right in thing, place and look.
AT_LEAST = 8


@pytest.fixture(scope="module")
def reader() -> Reader:
    """Trained as models/starter/reader.py says, on 20 shards, kept in 16 bits."""
    reader = Reader()
    weights = load_file(Path(__file__).with_name("reader.safetensors"))
    reader.load_state_dict({name: value.float() for name, value in weights.items()})
    return reader.eval()


def named(words: dict[str, tuple[str, ...]], prompt: str) -> str:
    """Which of the words a prompt says, however it says it."""
    (found,) = {name for name, ways in words.items() if any(way in prompt for way in ways)}
    return found


def is_right(prompt: str, reading: Reading) -> bool:
    """Whether thing, place and look were read back."""
    thing = named({kind: (f" {kind} ",) for kind in KINDS}, prompt)
    place, look = named(PLACE_WORDS, prompt), named(LOOK_WORDS, prompt)
    seen = {slot[0] for slot in reading.slots.values() if slot is not None}
    return thing in seen and (reading.scene["place"], reading.scene["look"]) == (place, look)


def test_each_example_names_one_thing_one_place_and_one_look():
    assert len(set(EXAMPLES)) == 10
    for prompt in EXAMPLES:
        is_right(prompt, Reading({"place": "", "look": ""}, {}))


def test_the_examples_are_read_back_right_with_the_defaults(tmp_path, reader):
    words = ["--data-dir", str(tmp_path), "--models-dir", str(tmp_path / "models"), "--use-cpu", "all"]
    services = build_services(read_flags(words)[0], ROOT)
    models = ModelManager(services.catalog, torch.device("cpu"), 2**31)
    upscalers = Upscalers(models.catalog, models.device, exact=False)
    settings = services.settings.current
    context = Context(models, upscalers, services.inputs, services.latents, settings, Stop(), "Atelier test")
    defaults = services.library.defaults_of(services.catalog.find_checkpoint("starter")).values.said()
    right = []
    for seed, prompt in enumerate(EXAMPLES):
        request = make_request(model="starter", prompt=prompt, seed=1000 + seed, **defaults)
        (picture,) = [ready.image for ready in pictures(generate(request, context))]
        assert picture.size == (256, 256)
        (reading,) = read(reader, np.asarray(picture)[None])
        right.append(is_right(prompt, reading))
    assert sum(right) >= AT_LEAST, [prompt for prompt, ok in zip(EXAMPLES, right, strict=True) if not ok]
