import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from webui.core.request import GenerationRequest
from webui.store.pictures.filenames import NameFacts, Naming, expand, file_name, folder_parts, sanitise

IMAGE = Image.new("RGB", (48, 32), "teal")
NOON = datetime(2024, 3, 9, 12, 30, 5, tzinfo=UTC)


def naming(max_words=8, in_archive=False, **facts):
    request = facts.pop("request", {})
    request = GenerationRequest(**{"prompt": "a red fox, (running:1.2)", "seed": 41, **request})
    known = {
        "seed": 42,
        "model_name": "dream",
        "model_hash": "0123456789",
        "now": NOON,
        "started": NOON,
        **facts,
    }
    return Naming(NameFacts(request=request, **known), IMAGE, max_words, in_archive)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[seed]", "42"),
        ("[SEED]-x", "42-x"),
        ("[steps]_[cfg]", "20_7.0"),
        ("[width]x[height]", "48x32"),
        ("[sampler]", "DPM++ 2M"),
        ("[scheduler]", "Karras"),
        ("[sampler_scheduler]", "DPM++ 2M Karras"),
        ("[model_name] [model_hash]", "dream 0123456789"),
        ("[prompt]", "a_red_fox,_(running_1.2)"),
        ("[prompt_spaces]", "a red fox, (running_1.2)"),
        ("[prompt_words]", "a red fox running 1 2"),
        ("[styles]", "None"),
        ("[clip_skip]", "1"),
        ("[batch_size]", "1"),
        ("[basename]", "img"),
        ("[none]", ""),
        ("[vae_filename]", "NoneType"),
        ("[unknown]-[seed]", "[unknown]-42"),
        ("[unknown<x>]", "[unknown]"),
        ("[[model_name]]", "[dream]"),
        ("[seed", "[seed"),
        ("[hasprompt<Fox|cat><dog|wolf><bird>]", "foxwolf"),
    ],
)
def test_a_token_becomes_what_A1111_makes_of_it(pattern, expected):
    assert expand(pattern, naming()) == expected


def test_cfg_keeps_the_form_it_was_given_in():
    assert expand("[cfg]", naming(request={"cfg_scale": 7})) == "7"


def test_an_automatic_schedule_without_a_default_is_called_so():
    assert expand("[sampler_scheduler]", naming(request={"sampler": "Euler"})) == "Euler Automatic"


def test_a_schedule_of_two_words_keeps_only_its_first_letter_large():
    assert expand("[scheduler]", naming(request={"schedule": "SGM Uniform"})) == "Sgm uniform"


@pytest.mark.parametrize("token", ["batch_number", "generation_number", "seed_last", "denoising"])
def test_a_token_with_nothing_to_say_takes_the_text_before_it_along(token):
    assert expand(f"[seed]-[{token}]-[steps]", naming()) == "42-20"


def test_numbers_within_a_run_count_from_one():
    run = {"batch_size": 3, "batch_count": 2, "seed": 40}
    assert expand("[batch_number]/[generation_number]", naming(index=4, request=run)) == "2/5"
    assert expand("[seed_first]-[seed_last]", naming(index=4, request=run)) == "40-45"


def test_an_archive_has_no_number_within_the_run():
    run = {"batch_size": 3}
    assert expand("x-[batch_number]y-[generation_number]", naming(in_archive=True, request=run)) == ""


def test_prompt_hashes_are_of_the_text_and_as_long_as_asked():
    request = {"prompt": "fox", "negative_prompt": "dog"}
    whole = hashlib.sha256(b"fox").hexdigest()
    assert expand("[prompt_hash]", naming(request=request)) == whole[:8]
    assert expand("[prompt_hash<12>]", naming(request=request)) == whole[:12]
    assert expand("[negative_prompt_hash]", naming(request=request)) == hashlib.sha256(b"dog").hexdigest()[:8]
    assert (
        expand("[full_prompt_hash<4>]", naming(request=request)) == hashlib.sha256(b"fox dog").hexdigest()[:4]
    )
    assert expand("[image_hash]", naming()) == hashlib.sha256(IMAGE.tobytes()).hexdigest()


def test_a_hash_length_that_is_no_number_leaves_the_token():
    assert expand("[prompt_hash<long>]", naming()) == "[prompt_hash]"


def test_times_follow_the_format_and_the_zone():
    local = NOON.astimezone()
    assert expand("[date]", naming()) == local.strftime("%Y-%m-%d")
    assert expand("[datetime]", naming()) == local.strftime("%Y%m%d%H%M%S")
    assert expand("[job_timestamp]", naming()) == NOON.strftime("%Y%m%d%H%M%S")
    assert expand("[datetime<%H-%M><Asia/Tokyo>]", naming()) == "21-30"
    assert expand("[datetime<%H-%M><asia/tokyo>]", naming()) == "21-30"
    assert expand("[datetime<><UTC>]", naming()) == "20240309123005"
    assert expand("[datetime<%H:%M><UTC>]", naming()) == "12_30"


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../../etc/passwd", "Europe", "\0"])
def test_an_unknown_time_zone_is_the_local_one(zone):
    assert expand(f"[datetime<%H><{zone}>]", naming()) == NOON.astimezone().strftime("%H")


def test_the_vae_file_is_named_up_to_its_first_dot():
    assert expand("[vae_filename]", naming(vae_name="kl-f8.vae.pt")) == "kl-f8"
    assert expand("[vae_filename]", naming(vae_name=".hidden.pt")) == "hidden"


def test_styles_are_listed_and_taken_out_of_the_prompt():
    told = naming(
        request={"prompt": "oil painting of a fox, thick paint, sharp"},
        styles=("Oil", "None", "Sharp"),
        style_prompts=("oil painting of {prompt}, thick paint", "sharp"),
    )
    assert expand("[styles]", told) == "Oil, Sharp"
    assert expand("[prompt_no_styles]", told) == "a fox"


@pytest.mark.parametrize(
    ("prompt", "styles", "bare"),
    [
        ("oil painting of a fox, thick paint", ["oil painting of {prompt}, thick paint"], "a fox"),
        ("a fox, sharp, green", ["sharp"], "a fox, green"),
        ("a red fox", ["red"], "a fox"),
        ("a fox,green", ["sharp", "", ", ", "{prompt}"], "a fox,green"),
        ("sharp, sharp", ["sharp"], ""),
        ("sharp", ["sharp, {prompt}"], "sharp"),
    ],
)
def test_a_prompt_is_named_without_its_styles(prompt, styles, bare):
    assert (
        expand("[prompt_no_styles]", naming(request={"prompt": prompt}, style_prompts=tuple(styles))) == bare
    )


WORDS = st.lists(st.sampled_from(["fox", "hill", "snow", "at dawn"]), min_size=1, max_size=4).map(", ".join)


@given(
    WORDS,
    st.lists(
        st.sampled_from(["oil of {prompt}, thick", "sharp", "{prompt}, 4k", "inked, {prompt}"]), unique=True
    ),
)
def test_the_words_that_styles_added_are_taken_out_again(prompt, styles):
    whole = prompt
    for style in styles:
        whole = style.replace("{prompt}", whole) if "{prompt}" in style else f"{whole}, {style}"
    facts = naming(request={"prompt": whole}, style_prompts=tuple(reversed(styles)))
    assert expand("[prompt_no_styles]", facts) == prompt


def test_facts_that_are_not_known_leave_their_token():
    bare = Naming(NameFacts(), IMAGE)
    assert expand("[steps][user][model_hash][prompt][hasprompt<a>]", bare) == (
        "[steps][user][model_hash][prompt][hasprompt]"
    )
    assert expand("[seed]", bare) == ""


def test_an_empty_prompt_has_the_word_empty():
    assert expand("[prompt_words]", naming(request={"prompt": " ,. "})) == "empty"


def test_only_the_first_words_are_taken():
    assert expand("[prompt_words]", naming(max_words=2)) == "a red"


def test_facts_come_from_what_a_finished_picture_tells():
    told = {
        "model_name": "dream",
        "model_hash": "abc",
        "vae_name": None,
        "denoising_strength": 0.5,
        "other": 1,
    }
    facts = NameFacts.of(GenerationRequest(seed=3), 2, 5, told, user="ann")
    named = expand("[model_name] [model_hash] [vae_filename] [denoising] [seed] [user]", Naming(facts, IMAGE))
    assert named == "dream abc NoneType 0.5 5 ann"


def test_a_value_is_cut_at_128_characters_and_loses_dots_and_spaces_at_its_end():
    assert sanitise("x" * 200) == "x" * 128
    assert sanitise("  hill. . ") == "hill"
    assert sanitise('#<>:"/\\|?*\n\r\t') == "_" * 13


@pytest.mark.parametrize("name", ["con", "NUL", "aux.png", "LPT1", "com9.x"])
def test_names_that_windows_keeps_for_itself_are_avoided(name):
    assert file_name(name, naming()) == f"_{name}"


def test_a_name_fits_what_file_systems_take():
    name = file_name("[prompt]-[prompt_spaces]", naming(request={"prompt": "🦊" * 200}))
    assert 200 < len(name.encode()) <= 220
    assert set(name) <= {"🦊", "-"}


def test_separators_in_the_pattern_make_folders_and_those_in_values_do_not():
    told = naming(request={"prompt": "../../etc/passwd"}, user="..\\..\\root")
    assert folder_parts("[model_name]/[prompt]\\[user]", told) == ["dream", ".._.._etc_passwd", ".._.._root"]


@given(
    pattern=st.text(st.sampled_from("./\\[]<>: ~abc\0\n"), max_size=40) | st.text(max_size=40),
    prompt=st.text(max_size=60),
    user=st.text(max_size=20),
    token=st.sampled_from(["prompt", "user", "prompt_spaces", "model_name", "datetime<%Y/..>"]),
)
def test_no_pattern_and_no_value_leaves_the_folder(pattern, prompt, user, token):
    told = naming(request={"prompt": prompt}, user=user, model_name=prompt)
    whole = f"{pattern}[{token}]/{pattern}"
    folder = "/outputs/pictures"
    parts = folder_parts(whole, told)
    path = Path(folder).joinpath(*parts, f"{file_name(whole, told)}.png")
    assert os.path.normpath(path) == str(path)
    assert str(path).startswith(f"{folder}/")
    assert len(path.parts) == 4 + len(parts)
    assert not any(set(part) & set('<>:"|?*\0\n\\') for part in path.parts[1:])
    assert all(len(part.encode()) <= 230 for part in path.parts)
