"""ComfyUI's graphs: every way that a value takes to the sampler, and graphs that are hostile."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.foreign_recipes import EXAMPLES
from webui.core.foreign.comfyui import read_graph
from webui.core.foreign.graph import Graph, Node, read_api_graph
from webui.core.foreign.programs import infotext_of_items

SIX, SEVEN = ["6", 0], ["7", 0]


def plain_graph():
    return json.loads(EXAMPLES["comfyui"].items["prompt"])


def read(nodes):
    graph = read_api_graph(nodes)
    assert graph is not None
    recipe = read_graph(graph)
    assert recipe is not None
    return recipe


def node(kind, **inputs):
    return {"class_type": kind, "inputs": inputs}


@pytest.mark.parametrize(
    ("kind", "inputs", "text"),
    [
        (
            "ConditioningConcat",
            {"conditioning_to": SIX, "conditioning_from": SEVEN},
            "a hill, good BREAK fog",
        ),
        ("ConditioningCombine", {"conditioning_1": SIX, "conditioning_2": SEVEN}, "a hill, good AND fog"),
        ("ControlNetApplyAdvanced", {"positive": SIX, "negative": SEVEN, "strength": 1}, "a hill, good"),
        ("ConditioningZeroOut", {"conditioning": ["6", 0]}, ""),
        ("FluxGuidance", {"conditioning": ["6", 0], "guidance": 3}, "a hill, good"),
        ("BasicPipe", {"positive": SIX, "negative": SEVEN, "model": ["4", 0]}, "a hill, good"),
        ("easy positive", {"positive": "some words"}, "some words"),
        ("CLIPTextEncodeSDXL", {"text_g": "big", "text_l": "small", "clip": ["4", 1]}, "big\nsmall"),
        ("ImpactWildcardEncode", {"wildcard_text": "__a__", "populated_text": "b"}, "b"),
    ],
)
def test_prompts_are_followed_through_nodes_that_change_them(kind, inputs, text):
    nodes = plain_graph() | {"50": node(kind, **inputs)}
    nodes["3"]["inputs"]["positive"] = ["50", 0]
    assert read(nodes).prompt == text


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        ({"50": node("PrimitiveString", value="words")}, "words"),
        (
            {"50": node("ShowText|pysssss", text=["51", 0], text_0="kept"), "51": node("LLM", a=1, b=2)},
            "kept",
        ),
        (
            {
                "50": node("StringConcatenate", string_a="one", string_b=["51", 0], delimiter=" "),
                "51": node("Text", text="two"),
            },
            "one two",
        ),
        ({"50": node("Reroute", **{"": ["51", 0]}), "51": node("Text", text="two")}, "two"),
    ],
)
def test_texts_are_followed_through_nodes_that_hand_them_on(nodes, text):
    whole = plain_graph() | nodes
    whole["6"]["inputs"]["text"] = ["50", 0]
    assert read(whole).prompt == text


@pytest.mark.parametrize(
    ("nodes", "seed"),
    [
        ({"50": node("Seed Everywhere", seed=12)}, 12),
        ({"50": node("PrimitiveInt", value="13")}, 13),
        ({"50": node("Reroute", x=["51", 0]), "51": node("INTConstant", value=14)}, 14),
        ({"50": node("MathExpression|pysssss", expression="a*2", a=7)}, None),
        ({"50": node("Reroute", x=["50", 0])}, None),
        ({"50": node("Seed", seed=float("nan"))}, None),
    ],
)
def test_numbers_are_followed_but_not_guessed(nodes, seed):
    whole = plain_graph() | nodes
    whole["3"]["inputs"]["seed"] = ["50", 0]
    recipe = read(whole)
    assert recipe.seed == seed
    assert ("seed" in recipe.not_read) == (seed is None)


def test_the_sampler_that_began_the_picture_is_read_and_the_others_said():
    nodes = plain_graph() | {
        "30": node("LatentUpscale", samples=["3", 0], width=2000, height=2000),
        "31": node("KSampler", **(plain_graph()["3"]["inputs"] | {"seed": 6, "latent_image": ["30", 0]})),
    }
    nodes["8"]["inputs"]["samples"] = ["31", 0]
    recipe = read(nodes)
    assert (recipe.seed, recipe.size, recipe.not_read) == (5, (832, 1216), ["further passes (1)"])


def test_a_sampler_that_nothing_saves_is_passed_over():
    nodes = {"1": node("KSampler", **(plain_graph()["3"]["inputs"] | {"seed": 99}))} | plain_graph()
    assert read(nodes).seed == 5


def test_a_picture_from_a_picture_has_its_strength_and_no_size():
    nodes = plain_graph() | {"5": node("VAEEncode", pixels=["50", 0]), "50": node("LoadImage", image="a.png")}
    nodes["3"]["inputs"]["denoise"] = 0.4
    recipe = read(nodes)
    assert (recipe.denoising_strength, recipe.size) == (0.4, None)


def test_a_prompt_that_is_not_understood_leaves_the_forms_own():
    nodes = plain_graph() | {"6": node("Prompt Mixer", clip=["4", 1], mix=1)}
    infotext = infotext_of_items({"prompt": json.dumps(nodes)})
    assert infotext is not None
    assert 'Not read: "prompt, LoRA ink (0.7), what Prompt Mixer makes"' in infotext


IDS = st.sampled_from(list("123456"))
INPUTS = st.dictionaries(
    st.sampled_from(
        [
            "positive",
            "negative",
            "model",
            "latent_image",
            "samples",
            "images",
            "text",
            "conditioning",
            "seed",
            "steps",
            "guider",
            "pipe",
            "clip",
            "lora_name",
            "value",
            "string_a",
            "lora_stack",
            "width",
            "height",
        ]
    ),
    st.tuples(IDS, st.integers(0, 2)).map(list)
    | st.text(max_size=5)
    | st.integers()
    | st.none()
    | st.lists(IDS),
)
KINDS = st.sampled_from(
    ["KSampler", "SaveImage", "CLIPTextEncode", "TextConcat", "Reroute", "LoraLoader", "X"]
)


@given(st.dictionaries(IDS, st.builds(Node, KINDS, INPUTS), min_size=1))
def test_any_graph_is_read_or_left_alone(nodes):
    recipe = read_graph(Graph(nodes))
    assert recipe is None or recipe.program == "ComfyUI"


@pytest.mark.parametrize("shape", ["chain", "fan", "samplers", "joins"])
def test_a_graph_of_many_links_takes_little_time(shape):
    count = 5_000
    sampler = node("KSampler", positive=["0", 0], steps=["0", 0], latent_image=["0", 0], model=["0", 0])
    makers = {
        "chain": lambda at: node("Reroute", x=[str(at + 1), 0]),
        "fan": lambda at: node("X", **{f"conditioning_{k % 2 + 1}": [str(at * 2 + k), 0] for k in (1, 2)}),
        "samplers": lambda at: node(
            "KSampler", positive=[str(at + 1), 0], steps=1, latent_image=[str(at + 1), 0]
        ),
        "joins": lambda at: node("TextConcat", a=[str(at + 1), 0], b=[str(at + 1), 0], c=[str(at + 2), 0]),
    }
    nodes = {str(at): makers[shape](at) for at in range(count)} | {
        "s": sampler,
        "o": node("SaveImage", images=["s", 0]),
    }
    text = json.dumps(nodes)
    start = time.thread_time()
    infotext_of_items({"prompt": text})
    assert time.thread_time() - start < 5
