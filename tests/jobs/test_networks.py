"""What the doors ask of networks: names on this machine, sizes of embeddings, networks chosen in settings."""

import pytest

from webui.prompts.tokenizer import clip_tokenizer


def test_a_pictures_loras_get_the_names_they_have_here(exact_services):
    entry = exact_services.loras.names().by_name["lora-file"]
    short = exact_services.loras.short_hash(entry)
    hashes = f'Lora hashes: "theirs: {short}, lost: 123456789abc"'
    infotext = f"a <lora:theirs:0.5> <lora:lost:1>\nSteps: 20, Sampler: Euler, CFG scale: 7, {hashes}"
    assert exact_services.requests.use_local_names(infotext).startswith(
        "a <lora:my-alias:0.5> <lora:lost:1>\n"
    )


def test_an_infotext_without_hashes_stays(exact_services):
    text = "a <lora:my-alias:0.5>\nSteps: 20, Sampler: Euler, CFG scale: 7"
    assert exact_services.requests.use_local_names(text) == text


def test_embeddings_in_a_text_are_counted_by_their_vectors(exact_services):
    names = exact_services.embedding_names("a ti-pt and ti-diff", clip_tokenizer("transformers"))
    assert names is not None
    tokens = clip_tokenizer("transformers").encode("ti-pt")
    assert names.find(tokens, 0) == ("ti-pt", 3, len(tokens))
    tokens = clip_tokenizer("transformers").encode("ti-diff")
    assert names.find(tokens, 0) == ("ti-diff", 1, len(tokens))
    assert exact_services.embedding_names("a cat", clip_tokenizer("transformers")) is None


@pytest.mark.parametrize("hires", [None, {"prompt": "a dog"}, {"prompt": ""}])
def test_networks_chosen_in_the_settings_are_added_to_prompts(exact_services, hires):
    chosen = {"sd_lora": "lora-a", "sd_hypernetwork": "hn-a", "extra_networks_default_multiplier": 0.5}
    fields = {"prompt": "a cat <lora:lora-a:1>", "hires": hires}
    request = exact_services.requests.make(fields, chosen)
    assert request.prompt == "a cat <lora:lora-a:1><hypernet:hn-a:0.5>"
    if hires:
        expected = "a dog<lora:lora-a:0.5><hypernet:hn-a:0.5>" if hires["prompt"] else ""
        assert request.hires.prompt == expected
    assert exact_services.requests.make({"prompt": "a cat"}).prompt == "a cat"
