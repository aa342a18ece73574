"""LoRA blocks and steps in runs."""

from dataclasses import replace

import pytest

from extensions.lora_blocks import plugin
from tests.pipelines.runs import digest, pictures, request_of
from webui.core.request_infotext import parse_infotext
from webui.pipelines.generate.generate import generate
from webui.plugins import hookimpl, specs
from webui.plugins.host import Plugins

NAME = "lora-a"


class Probe:
    """Notes a weight of the network in each evaluation."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    @hookimpl
    def prepare_denoising(self, denoising) -> None:
        layer = denoising.network.unet.up_blocks[1].attentions[0].transformer_blocks[0].attn1.to_q
        denoising.before_network.append(lambda batch: self.seen.append(layer.weight.double().sum().item()))


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.fixture
def run(context, probe):
    plugins = Plugins(specs)
    plugins.register(plugin, "lora_blocks")
    plugins.register(probe, "probe")
    told = []
    here = replace(context, plugins=plugins, emit=told.append)

    def make(mark: str, **changes):
        del probe.seen[:]
        events = list(generate(request_of(prompt=f"a cat {mark}", **changes), here))
        return pictures(events)[0], [each.text for each in events if getattr(each, "level", "") == "warning"]

    return make


def test_all_blocks_and_all_steps_are_the_plain_lora(run):
    plain, _ = run(f"<lora:{NAME}:1>")
    for mark in ("lbw=ALL", "ALL", "lbw=" + ",".join("1" * 17), "start=1:stop=99", "step=0-3"):
        made, told = run(f"<lora:{NAME}:1:{mark}>")
        assert (made.image.tobytes(), told) == (plain.image.tobytes(), [])


def test_no_blocks_and_no_steps_are_none(run):
    without, _ = run("")
    assert run(f"<lora:{NAME}:1:lbw=NONE>")[0].image.tobytes() == without.image.tobytes()
    text_only, _ = run(f"<lora:{NAME}:te=1:unet=0>")
    assert run(f"<lora:{NAME}:1:start=50>")[0].image.tobytes() == text_only.image.tobytes()


@pytest.mark.parametrize(("sampler", "calls"), [("Euler", [1] * 4), ("Heun", [2, 2, 2, 1])])
def test_steps_switch_exactly_and_are_undone(run, probe, models, sampler, calls):
    run("", steps=4, sampler=sampler)
    before, (plain, *_) = digest(models), probe.seen
    run(f"<lora:{NAME}:1>", steps=4, sampler=sampler)
    changed = probe.seen[0]
    assert changed != plain
    made, _ = run(f"<lora:{NAME}:1:step=2-3>", steps=4, sampler=sampler)
    expected = [
        weight
        for weight, count in zip((plain, changed, changed, plain), calls, strict=True)
        for _ in range(count)
    ]
    assert probe.seen == expected
    run("", steps=4, sampler=sampler)
    assert digest(models) == before
    remade = parse_infotext(made.infotext)
    assert f"<lora:{NAME}:1:step=2-3>" in remade.prompt
    assert (
        run(f"<lora:{NAME}:1:step=2-3>", steps=4, sampler=sampler)[0].image.tobytes() == made.image.tobytes()
    )


def test_what_cannot_be_read_is_told(run):
    _, told = run(f"<lora:{NAME}:1:lbw=1,2>")
    assert "there are 2 block weights" in told[0]


def test_without_the_extension_unknown_pieces_are_told(context):
    events = list(generate(request_of(prompt=f"a <lora:{NAME}:1:OUTALL>"), context))
    told = [each.text for each in events if getattr(each, "level", "") == "warning"]
    assert "'OUTALL' is no number" in told[0]
