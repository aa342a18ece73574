"""Requests: equal ones are equal, wrong ones are refused in a sentence."""

import pytest
from hypothesis import given

from tests.request_strategies import requests
from webui.core.errors import InvalidRequest
from webui.core.request import MAX_SEED, GenerationRequest, make_request


@given(requests())
def test_a_request_survives_json(request):
    assert GenerationRequest.model_validate_json(request.model_dump_json()) == request


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"width": 510}, ["width", "510", "multiple of 8", "512"]),
        ({"height": 4}, ["height", "4"]),
        ({"width": 100_000}, ["width", "100000"]),
        ({"sampler": "Eulr"}, ["sampler", "'Eulr'", "Did you mean 'Euler'"]),
        ({"schedule": "Karas"}, ["schedule", "Did you mean 'Karras'"]),
        ({"steps": 0}, ["steps", "0"]),
        ({"cfg_scale": float("nan")}, ["cfg scale", "finite"]),
        ({"cfg_scale": float("inf")}, ["cfg scale", "finite"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"colour": "red"}, ["'colour'"]),
        ({"options": {"s_churn": -4}}, ["s churn", "-4"]),
        ({"options": {"emphasis": "loud"}}, ["emphasis", "'loud'", "'No norm'"]),
        ({"seed": MAX_SEED, "batch_size": 2}, ["seed"]),
        ({"prompt": "x" * 300_000}, ["prompt"]),
    ],
)
def test_a_wrong_field_is_one_sentence_about_it(fields, words):
    with pytest.raises(InvalidRequest) as refused:
        make_request(**fields)
    sentence = str(refused.value)
    assert all(word in sentence for word in words), sentence
    assert "\n" not in sentence
    assert len(sentence) < 300


def test_aliases_of_samplers_and_schedules_become_their_labels():
    request = make_request(sampler="k_dpmpp_2m_sde", schedule="SGMUniform")
    assert (request.sampler, request.schedule) == ("DPM++ 2M SDE", "SGM Uniform")


def test_seeds_count_up_or_with_a_variation_the_variation_seeds_do():
    plain = make_request(seed=5, batch_size=2, batch_count=2)
    assert [plain.seed_of(index) for index in range(plain.count)] == [5, 6, 7, 8]
    varied = make_request(seed=5, variation_seed=9, variation_strength=0.5, batch_count=2)
    seeds = [(varied.seed_of(index), varied.variation_seed_of(index)) for index in range(2)]
    assert seeds == [(5, 9), (5, 10)]
