import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.core.errors import StorageError, UnusableFile
from webui.prompts.styles import ExtractedStyles, Style, Styles

NAMES = st.text(min_size=1).filter(
    lambda name: not name.startswith("#") and name == name.strip() and "\x00" not in name
)
PROMPTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00")).map(str.strip)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "styles.csv"


def styles_of(*styles):
    return Styles((), tuple(Style(*style) for style in styles))


def test_a_file_of_a1111_is_read(file):
    file.write_bytes(
        b'\xef\xbb\xbfname,prompt,negative_prompt\r\ninky,"ink, {prompt}",blurry\r\n#note,x,y\r\nbare,oil\r\n'
    )
    assert Styles.load([file]).styles == (
        Style("inky", "ink, {prompt}", "blurry", file),
        Style("bare", "oil", "", file),
    )


def test_the_oldest_layout_is_read(file):
    file.write_text("name,text\ninky,ink\n", encoding="utf-8")
    assert Styles.load([file]).styles == (Style("inky", "ink", "", file),)


def test_a_missing_file_has_no_styles(file):
    assert Styles.load([file]).styles == ()


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", b"a,b\n1,2\n", b"name\ninky\n", b"<!DOCTYPE html>\n<p>hello</p>\n"],
    ids=["not UTF-8", "other columns", "no prompt", "a web page"],
)
def test_a_file_that_is_no_table_of_styles_is_refused_by_name(file, content):
    file.write_bytes(content)
    with pytest.raises(UnusableFile, match=r"styles\.csv were not read"):
        Styles.load([file])


def test_styles_are_joined_with_commas_or_around_the_prompt():
    styles = styles_of(("oil", "oil painting"), ("frame", "photo of {prompt}, framed"))
    assert styles.apply("a cat", ["oil"]) == "a cat, oil painting"
    assert styles.apply("a cat", ["oil", "frame"]) == "photo of a cat, oil painting, framed"
    assert styles.apply("", ["oil"]) == "oil painting"


def test_the_negative_prompt_has_its_own_text():
    styles = styles_of(("clean", "sharp", "blurry"))
    assert styles.apply_negative("ugly", ["clean"]) == "ugly, blurry"


def test_unknown_styles_add_nothing():
    assert styles_of().apply("a cat", ["gone"]) == "a cat"


def test_styles_are_found_in_a_finished_prompt():
    styles = styles_of(("oil", "oil painting", "photo"), ("frame", "{prompt}, framed", ""), ("other", "ink"))
    prompt, negative = (
        styles.apply("a cat", ["oil", "frame"]),
        styles.apply_negative("ugly", ["oil", "frame"]),
    )
    assert styles.extract(prompt, negative) == ExtractedStyles(("oil", "frame"), "a cat", "ugly")


def test_a_style_whose_negative_text_is_missing_is_not_found():
    styles = styles_of(("oil", "oil painting", "photo"))
    assert styles.extract("a cat, oil painting", "ugly").names == ()


def test_a_style_that_repeats_the_prompt_is_not_found():
    assert styles_of(("twice", "{prompt} and {prompt}")).extract("a and a", "").names == ()


def test_a_saved_style_is_read_back_and_the_old_file_kept(file):
    file.write_bytes(b"\xef\xbb\xbfname,prompt,negative_prompt\r\nold,x,y\r\n")
    before = file.read_bytes()
    Styles.load([file]).with_style(Style("new", 'a, "b"\nc')).save()
    assert Styles.load([file]).names == ("old", "new")
    assert file.with_name("styles.csv.bak").read_bytes() == before
    assert file.read_bytes().startswith(b"\xef\xbb\xbfname,prompt,negative_prompt\r\n")


def test_saving_without_a_change_touches_nothing(file):
    file.write_bytes(b"name,prompt\nold,x\n")
    Styles.load([file]).save()
    assert file.read_bytes() == b"name,prompt\nold,x\n"
    assert not file.with_name("styles.csv.bak").exists()


def test_a_style_taken_out_is_gone_from_its_file(file):
    styles = Styles.load([file]).with_style(Style("a", "x")).with_style(Style("b", "y"))
    styles.save()
    Styles.load([file]).without_style("a").save()
    assert Styles.load([file]).names == ("b",)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    file = tmp_path / "missing" / "styles.csv"
    with pytest.raises(StorageError, match=r"could not be saved to .*missing"):
        Styles.load([file]).with_style(Style("a", "x")).save()


def test_several_files_are_listed_apart_and_saved_apart(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text(f"name,prompt\n{name},x\n", encoding="utf-8")
    styles = Styles.load([tmp_path / "*.csv"])
    assert styles.names == ("one", "two")
    assert [name.strip("- ") for name in styles.listed_names] == ["ONE", "one", "TWO", "two"]
    styles.with_style(Style("three", "y")).save()
    assert Styles.load([tmp_path / "one.csv"]).names == ("one", "three")
    assert Styles.load([tmp_path / "two.csv"]).names == ("two",)


@given(NAMES, PROMPTS, PROMPTS)
def test_any_style_comes_back_from_its_file(tmp_path_factory, name, prompt, negative_prompt):
    file = tmp_path_factory.mktemp("styles") / "styles.csv"
    style = Style(name, prompt, negative_prompt, file)
    Styles.load([file]).with_style(style).save()
    assert Styles.load([file]).styles == (style,)
