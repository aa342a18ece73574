"""Data sets from a disk: conventions of kohya's, damaged and odd files, and captions in any encoding."""

import zipfile
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from webui.core.errors import InvalidRequest, UnusableFile, WebuiError
from webui.core.work.training_run import TrainingRun
from webui.training.data import unpacking
from webui.training.data.buckets import find_buckets, place
from webui.training.data.caption_edits import CaptionEdit, edit_captions
from webui.training.data.captions import decode_text, join_lines, show_caption, tags_of
from webui.training.data.dataset import Rules
from webui.training.data.likeness import find_duplicates, measure_likeness
from webui.training.data.pictures import open_shown
from webui.training.data.reading import read_data


def make_run(folder: Path, **fields: object) -> TrainingRun:
    asked = {"method": "lora", "checkpoint": "any", "name": "test", "data": str(folder), "resolution": 64}
    return TrainingRun.model_validate(asked | fields)


def save(path: Path, size: tuple[int, int] = (64, 64), colour: object = "red", mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)  # type: ignore[arg-type]
    return path


def read(folder: Path, **fields: object) -> dict[str, object]:
    return {each.name: each for each in read_data(folder, make_run(folder, **fields)).examples}


@given(
    side=st.integers(64, 1100),
    step=st.sampled_from([8, 32, 64]),
    size=st.tuples(st.integers(1, 40_000), st.integers(1, 40_000)),
    enlarge=st.booleans(),
    bucketing=st.booleans(),
)
def test_a_bucket_has_whole_steps_and_no_more_pixels_than_the_resolution(
    side, step, size, enlarge, bucketing
):
    rules = Rules(resolution=(side, side), step=step, enlarge=enlarge, bucketing=bucketing)
    placement = place(size, rules)
    width, height = placement.bucket
    assert width % step == height % step == 0 and min(width, height) >= step
    assert width * height <= side * side or (width, height) == (step, step)
    assert placement.slack_x >= 0 and placement.slack_y >= 0
    assert place(size[::-1], rules).bucket in ((height, width), (width, height))


def test_buckets_are_the_largest_of_each_width_and_height_between_256_and_1024():
    sides = range(256, 1025, 64)
    fitting = [(width, height) for width in sides for height in sides if width * height <= 512 * 512]
    expected = {
        size
        for size in fitting
        if not any(other != size and other[0] == size[0] and other[1] > size[1] for other in fitting)
    }
    assert set(find_buckets(Rules())) == expected | {size[::-1] for size in expected}


def test_kohyas_folders_give_repeats_and_words(tmp_path):
    save(tmp_path / "plain.png")
    save(tmp_path / "10_sks dog" / "a.png")
    (tmp_path / "10_sks dog" / "b.txt").write_text("sks dog, running")
    save(tmp_path / "10_sks dog" / "b.png")
    save(tmp_path / "reg" / "1_dog" / "r.png")
    save(tmp_path / "more" / "0001-0-c.png")
    save(tmp_path / ".hidden" / "x.png")
    save(tmp_path / "__MACOSX" / "y.png")
    examples = read(tmp_path, repeats=3)
    found = {name: (each.caption, each.repeats, each.is_regularisation) for name, each in examples.items()}
    assert found == {
        "plain.png": ("plain", 3, False),
        "10_sks dog/a.png": ("sks dog", 10, False),
        "10_sks dog/b.png": ("sks dog, running", 10, False),
        "reg/1_dog/r.png": ("dog", 1, True),
        "more/0001-0-c.png": ("c", 3, False),
    }


def test_a_toml_gives_each_folder_its_own_rules(tmp_path):
    save(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "1.cap").write_text("one")
    save(tmp_path / "hints" / "1.png")
    save(tmp_path / "b" / "2.png")
    toml = tmp_path / "set.toml"
    toml.write_text("""
        [general]
        shuffle_caption = true
        caption_extension = ".cap"
        strange_key = 5
        [[datasets]]
        resolution = [128, 64]
        batch_size = 4
        bucket_no_upscale = true
        bucket_reso_steps = 32
          [[datasets.subsets]]
          image_dir = "a"
          num_repeats = 7
          conditioning_data_dir = "hints"
          keep_tokens = 2
          flip_aug = true
          random_crop = true
        [[datasets]]
          [[datasets.subsets]]
          image_dir = "b"
          is_reg = true
          class_tokens = "dog"
          shuffle_caption = false
    """)
    dataset = read_data(toml, make_run(toml, batch_size=2, masks=True))
    one, two = dataset.examples
    assert (one.caption, one.repeats, one.hint) == ("one", 7, tmp_path / "hints" / "1.png")
    rules = one.rules
    assert (rules.resolution, rules.batch_size, rules.enlarge, rules.step) == ((128, 64), 4, False, 32)
    assert (rules.keep_tokens, rules.flip, rules.crop, rules.shuffle) == (2, True, "random", True)
    assert (two.caption, two.is_regularisation, two.rules.shuffle) == ("dog", True, False)
    assert two.rules.batch_size == 2
    assert [each.name for each in dataset.skipped] == ["The key strange_key in set.toml"]


@pytest.mark.parametrize(
    "text",
    ["x = [", "", "[general]\nresolution=1", "datasets = 3", "[[datasets]]\nsubsets=[1]",
     "[[datasets]]\n[[datasets.subsets]]\nnum_repeats = 2",
     "[[datasets]]\n[[datasets.subsets]]\nimage_dir = 'no'",
     "[[datasets]]\n[[datasets.subsets]]\nimage_dir = 5",
     "[[datasets]]\n[[datasets.subsets]]\nimage_dir = '.'\nresolution = 'large'"],
)  # fmt: skip
def test_a_wrong_toml_is_refused_in_a_sentence(tmp_path, text):
    toml = tmp_path / "set.toml"
    toml.write_text(text)
    with pytest.raises(WebuiError, match=r"\.$"):
        read_data(toml, make_run(toml))


def test_a_guard_is_asked_about_every_folder_of_a_toml(tmp_path):
    save(tmp_path / "a" / "1.png")
    toml = tmp_path / "set.toml"
    toml.write_text("[[datasets]]\n[[datasets.subsets]]\nimage_dir = 'a'\nconditioning_data_dir = '/etc'")
    asked: list[Path] = []
    with pytest.raises(InvalidRequest, match="no"):

        def guard(what: str, folder: Path) -> None:
            asked.append(folder)
            if not folder.is_relative_to(tmp_path):
                raise InvalidRequest("no.")

        read_data(toml, make_run(toml), guard)
    assert asked == [tmp_path, tmp_path / "a", Path("/etc")]


def test_a_zip_is_unpacked_once_and_nothing_leaves_it(tmp_path):
    picture = save(tmp_path / "p.png").read_bytes()
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    with zipfile.ZipFile(good, "w") as out:
        out.writestr("set/10_caf\xe9/a.png", picture)
        out.writestr("set/10_caf\xe9/a.txt", "one")
        out.writestr("set/run.exe", b"x")
    dataset = read_data(good, make_run(good))
    (example,) = dataset.examples
    assert (example.caption, example.repeats) == ("one", 10)
    assert [each.name for each in dataset.skipped] == ["set/run.exe"]
    assert read_data(good, make_run(good)).examples == dataset.examples
    with zipfile.ZipFile(bad, "w") as out:
        out.writestr("../evil.png", picture)
    with pytest.raises(UnusableFile, match="outside its folder"):
        read_data(bad, make_run(bad))
    bad.write_bytes(good.read_bytes()[:200])
    with pytest.raises(UnusableFile, match=r"\.$"):
        read_data(bad, make_run(bad))
    assert not list(tmp_path.parent.glob("evil*")) and not list(tmp_path.glob(".unpacking-*"))


def test_damaged_and_odd_files_are_named_and_the_others_are_used(tmp_path):
    whole = save(tmp_path / "whole.png", (80, 80)).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "empty.png").write_bytes(b"")
    save(tmp_path / "tiny.png", (1, 1))
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "whole.txt").write_text("word " * 2000)
    dataset = read_data(tmp_path, make_run(tmp_path))
    assert {each.name for each in dataset.skipped} == {"cut.png", "text.jpg", "empty.png"}
    warnings = {each.name: " ".join(each.warnings) for each in dataset.examples}
    assert "1x1" in warnings["tiny.png"]
    assert "2 frames" in warnings["moving.gif"]
    assert "9,999 characters" in warnings["whole.png"]
    save(tmp_path / "0001.png")
    assert read(tmp_path)["0001.png"].warnings == ("It has no caption.",)
    assert open_shown(tmp_path / "moving.gif").image.getpixel((5, 5)) == (255, 0, 0)


def test_no_pictures_at_all_is_a_sentence(tmp_path):
    with pytest.raises(UnusableFile, match="no pictures to learn from"):
        read_data(tmp_path, make_run(tmp_path))
    with pytest.raises(InvalidRequest, match="is not there"):
        read_data(tmp_path / "none", make_run(tmp_path))


def test_colours_are_right_in_every_mode_and_turned_upright(tmp_path):
    red = (255, 0, 0)
    Image.new("RGB", (8, 4), red).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "p.png")
    Image.new("CMYK", (8, 4), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg", quality=100)
    Image.new("RGBA", (8, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.new("LA", (8, 4), (90, 255)).save(tmp_path / "la.png")
    Image.fromarray(np.full((4, 8), 128 * 257, np.uint16)).save(tmp_path / "deep.png")
    turned = Image.new("RGB", (8, 4), red)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    shown = {path.name: open_shown(path) for path in tmp_path.iterdir()}
    pixels = {name: np.asarray(each.image)[1, 1].tolist() for name, each in shown.items()}
    assert pixels["p.png"] == list(red)
    assert np.abs(np.subtract(pixels["cmyk.jpg"], red)).max() <= 4
    assert pixels["clear.png"] == [255, 255, 255] and shown["clear.png"].alpha is not None
    assert pixels["la.png"] == [90, 90, 90] and shown["la.png"].alpha is None
    assert np.abs(np.subtract(pixels["deep.png"], 128)).max() <= 1
    assert shown["turned.jpg"].size == shown["turned.jpg"].image.size == (4, 8)


def test_a_panorama_beyond_pillows_limit_is_decoded_smaller(tmp_path):
    path = tmp_path / "wide.jpg"
    # 180 megapixels: more than Pillow opens.
    Image.new("L", (30_000, 6_200), 90).save(path, quality=30)
    shown = open_shown(path, (640, 128))
    assert shown.size == (30_000, 6_200)
    assert shown.image.size[0] <= 4000
    (example,) = read(tmp_path).values()
    assert (example.width, example.height) == (30_000, 6_200)


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_caption_is_read_back_as_it_was_written(text):
    line = join_lines(text)
    assert join_lines(line) == line
    assert join_lines(decode_text(line.encode())) == line


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp1252"])
def test_captions_are_read_in_the_encodings_that_programs_write(encoding):
    assert decode_text("a caf\xe9, gr\xfcn".encode(encoding)) == "a caf\xe9, gr\xfcn"


TAGS = st.lists(st.text("abcd e", min_size=1).map(str.strip).filter(bool), max_size=6)


@given(
    captions=st.dictionaries(st.text("xyz", min_size=1), TAGS.map(", ".join)), tag=st.text("klm", min_size=1)
)
def test_a_tag_that_is_added_and_removed_leaves_the_tags(captions, tag):
    added = captions | edit_captions(captions, CaptionEdit("add", tag))
    assert all(tag in tags_of(caption) for caption in added.values())
    removed = added | edit_captions(added, CaptionEdit("remove", tag))
    assert {name: tags_of(each) for name, each in removed.items()} == {
        name: tags_of(each) for name, each in captions.items()
    }


@given(tags=TAGS, seed=st.integers(0, 99), keep=st.integers(0, 3))
def test_shuffling_keeps_all_tags_and_those_at_the_front(tags, seed, keep):
    rules = Rules(shuffle=True, keep_tokens=keep)
    shown = tags_of(show_caption(", ".join(tags), rules, Random(seed)))
    assert sorted(shown) == sorted(tags) and shown[:keep] == tags[:keep]


def test_the_trigger_comes_before_captions_that_lack_it():
    rules = Rules(trigger="sks", shuffle=True, tag_dropout=1.0)
    assert show_caption("dog, red", rules, Random(1)) == "sks"
    plain = Rules(trigger="sks", prefix="photo of", suffix="4k")
    assert show_caption("a dog", plain, Random(1)) == "sks, photo of a dog 4k"
    assert show_caption("a SKS dog", plain, Random(1)) == "photo of a SKS dog 4k"
    assert show_caption("a dog", plain, Random(1), with_trigger=False) == "photo of a dog 4k"
    assert show_caption("a dog", Rules(trigger="sks", caption_dropout=1.0), Random(1)) == ""
    parted = Rules(keep_separator="|||", shuffle=True, tag_dropout=1.0)
    assert show_caption("a, b ||| c, d ||| e", parted, Random(1)) == "a, b, e"


def test_a_controlnet_learns_from_pictures_with_hints_only(tmp_path):
    save(tmp_path / "a.png")
    with pytest.raises(UnusableFile, match="has a hint"):
        read_data(tmp_path, make_run(tmp_path, method="controlnet"))
    save(tmp_path / "b.png")
    save(tmp_path / "hints" / "b.png")
    dataset = read_data(tmp_path, make_run(tmp_path, method="controlnet"))
    assert [each.name for each in dataset.examples] == ["b.png"]
    assert [each.name for each in dataset.skipped] == ["a.png"]


def test_the_folder_for_regularisation_is_guarded_as_the_one_that_is_read(tmp_path, monkeypatch):
    save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    asked: list[Path] = []
    read_data(tmp_path, make_run(tmp_path, regularisation="."), lambda _, folder: asked.append(folder))
    assert all(folder.is_absolute() for folder in asked) and len(asked) == 2


def test_a_picture_whose_exif_is_damaged_is_shown_all_the_same(tmp_path):
    path = tmp_path / "a.jpg"
    Image.new("RGB", (8, 4), "red").save(path, exif=b"Exif\0\0II*\0\xff\xff\xff\xff nonsense")
    assert open_shown(path).image.size == (8, 4)
    path = tmp_path / "b.jpg"
    Image.new("RGB", (8, 4), "red").save(path, exif=b"Exif\0\0no TIFF at all")
    assert open_shown(path).image.size == (8, 4)


def test_small_changes_are_duplicates_and_moved_things_are_not():
    random = np.random.default_rng(3)
    pictures = []
    for _ in range(12):
        image = Image.fromarray(random.integers(0, 256, (12, 16, 3), np.uint8))
        pictures.append(image.resize((320, 240), Image.Resampling.BICUBIC))
    changed = [picture.resize((200, 150)).point(lambda level: min(level + 4, 255)) for picture in pictures]
    things = []
    for left in range(0, 200, 40):
        thing = Image.new("RGB", (256, 256), "white")
        thing.paste("red", (left, 100, left + 50, 150))
        things.append(thing)
    known = [measure_likeness(each) for each in (*pictures, *changed, *things)]
    assert find_duplicates(known) == [(place, place + 12) for place in range(12)]


def test_a_zip_that_grows_beyond_measure_or_holds_too_many_files_is_refused_whole(tmp_path, monkeypatch):
    bomb, many = tmp_path / "bomb.zip", tmp_path / "many.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.png", bytes(4 << 20))
    with zipfile.ZipFile(many, "w") as out:
        for number in range(4):
            out.writestr(f"{number}.png", b"")
    monkeypatch.setattr(unpacking, "HARMLESS_BYTES", 1 << 20)
    monkeypatch.setattr(unpacking, "MAX_MEMBERS", 3)
    for path, words in ((bomb, "bomb.zip would grow to 4"), (many, "holds more than 3 files. Unpack it")):
        with pytest.raises(UnusableFile, match=words):
            read_data(path, make_run(path))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bomb.zip", "many.zip"]


def test_a_picture_out_of_focus_has_a_warning_and_a_plain_or_sharp_one_has_none(tmp_path):
    sharp = Image.fromarray(np.random.default_rng(1).integers(0, 255, (40, 40, 3), np.uint8)).resize(
        (640, 640), Image.Resampling.NEAREST
    )
    sharp.save(tmp_path / "sharp.png")
    sharp.filter(ImageFilter.GaussianBlur(12)).save(tmp_path / "soft.png")
    save(tmp_path / "plain.png", (640, 640))
    warned = {name: " ".join(each.warnings) for name, each in read(tmp_path).items()}
    assert [name for name, words in sorted(warned.items()) if "seems to be blurred" in words] == ["soft.png"]


def test_templates_say_the_word_and_the_caption(tmp_path):
    run = make_run(tmp_path, templates=("a photo of [name], [filewords]", "[filewords] by [name]"))
    shown = {show_caption("a cat, red", Rules.of(run), Random(seed)) for seed in range(20)}
    assert shown == {"a photo of test, a cat, red", "a cat, red by test"}
    assert show_caption("", Rules.of(run), Random(1)) in {"a photo of test", "by test"}


def test_pictures_without_bucketing_have_the_width_and_height_of_the_run(tmp_path):
    run = make_run(tmp_path, resolution=128, height=64, bucketing=False, bucket_step=64)
    for size in ((500, 100), (64, 300), (40, 40)):
        assert place(size, Rules.of(run)).bucket == (128, 64)
