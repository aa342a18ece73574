"""styles.csv as any program writes it: what can be read is there, and nothing that stood there is lost."""

import csv
import io
import logging
import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from webui.core.errors import Busy, StorageError
from webui.core.style import Style
from webui.store.styles_file import StylesFiles, StylesReader, digest_of, read_styles_file

NAMES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=1).filter(
    lambda name: not name.startswith("#") and name == name.strip()
)
PROMPTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00")).map(str.strip)
ROWS = [("café", "warm light, {prompt}", "grey"), ("inky", 'ink; "black"', ""), ("bare", "oil\npaint", "")]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "styles.csv"


def table(rows, separator=",", end="\r\n", header=("name", "prompt", "negative_prompt")):
    made = io.StringIO(newline="")
    # With other line ends than its own, the module leaves line breaks in texts without quotation marks.
    quoting = csv.QUOTE_ALL if end == "\r" else csv.QUOTE_MINIMAL
    writer = csv.writer(made, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerows([*([header] if header else []), *rows])
    return made.getvalue()


def rows_of(file):
    return [(style.name, style.prompt, style.negative_prompt) for style in StylesFiles.load([file]).styles]


def test_a_file_of_a1111_is_read(file):
    file.write_bytes(
        b'\xef\xbb\xbfname,prompt,negative_prompt\r\ninky,"ink, {prompt}",blurry\r\n#note,x,y\r\nbare,oil\r\n'
    )
    loaded = StylesFiles.load([file])
    assert loaded.styles == (Style("inky", "ink, {prompt}", "blurry", file), Style("bare", "oil", "", file))
    assert loaded.messages == ()


def test_the_oldest_layout_is_read(file):
    file.write_text("name,text\ninky,ink\n", encoding="utf-8")
    assert StylesFiles.load([file]).styles == (Style("inky", "ink", "", file),)


def test_a_missing_file_has_no_styles(file):
    loaded = StylesFiles.load([file])
    assert (loaded.styles, loaded.messages) == ((), ())


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize(
    "header", [("name", "prompt", "negative_prompt"), ("Name", "Prompt", "Negative Prompt"), ()]
)
def test_every_encoding_separator_and_line_end_is_read(file, encoding, separator, end, header):
    file.write_bytes(table(ROWS, separator, end, header).encode(encoding))
    assert rows_of(file) == ROWS
    assert bool(StylesFiles.load([file]).messages) == (encoding == "cp1252")


def test_excels_line_about_the_separator_is_no_style(file):
    file.write_text("sep=;\r\n" + table(ROWS, ";"), encoding="utf-8", newline="")
    assert rows_of(file) == ROWS


def test_columns_in_another_order_and_others_beside_them_are_read(file):
    file.write_text("id,negative_prompt,name,notes,prompt\n1,grey,café,x,light\n", encoding="utf-8")
    assert rows_of(file) == [("café", "light", "grey")]


def test_a_missing_quotation_mark_costs_one_line(file):
    file.write_text(
        'name,prompt,negative_prompt\na,one,\nb,"two,\nc,three,x\nd,"four\nlines",y\n', encoding="utf-8"
    )
    assert rows_of(file) == [("a", "one", ""), ("c", "three", "x"), ("d", "four\nlines", "y")]
    assert "(3)" in StylesFiles.load([file]).messages[0]


def test_many_missing_quotation_marks_take_no_time(file):
    file.write_text("name,prompt,negative_prompt\n" + 'a,"two,\n' * 200_001, encoding="utf-8")
    assert StylesFiles.load([file]).messages


def test_zero_bytes_are_left_out(file):
    file.write_bytes(b"name,prompt,negative_prompt\na,o\0ne,\0\n")
    assert rows_of(file) == [("a", "one", "")]


def test_a_text_longer_than_any_prompt_costs_its_line(file):
    file.write_text(table([("a", "x" * 1_000_000, ""), ("b", "two", "")]), encoding="utf-8")
    assert rows_of(file) == [("b", "two", "")]


@pytest.mark.parametrize(
    "content",
    [
        b"name\ninky\n",
        b"<!DOCTYPE html>\n<p>hello, you</p>\n",
        b'{"a": 1,\n "b": 2}',
        os.urandom(50).hex().encode(),
    ],
    ids=["no prompt", "a web page", "JSON", "one word"],
)
def test_what_is_no_table_of_styles_is_called_so(file, content):
    file.write_bytes(content)
    loaded = StylesFiles.load([file])
    assert loaded.styles == ()
    assert "styles.csv were not read" in loaded.messages[0]


@given(st.binary(max_size=300))
def test_no_bytes_keep_the_server_from_starting(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("styles") / "styles.csv"
    file.write_bytes(content)
    assert isinstance(StylesFiles.load([file]).styles, tuple)


def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "circle.csv").symlink_to("circle.csv")
    for name in ("pipe", "folder", "circle"):
        assert StylesFiles.load([tmp_path / f"{name}.csv"]).messages
    assert StylesFiles.load([tmp_path / "*.csv"]).styles == ()
    assert StylesFiles.load([tmp_path / ("x" * 300 + ".csv")]).styles == ()


def test_a_saved_style_is_read_back_and_the_old_file_kept(file):
    file.write_bytes(b"\xef\xbb\xbfname,prompt,negative_prompt\r\nold,x,y\r\n")
    before = file.read_bytes()
    StylesFiles.load([file]).with_style(Style("new", 'a, "b"\nc')).save()
    assert [style.name for style in StylesFiles.load([file]).styles] == ["old", "new"]
    assert file.with_name("styles.csv.bak").read_bytes() == before
    assert file.read_bytes().startswith(b"\xef\xbb\xbfname,prompt,negative_prompt\r\n")
    assert sorted(path.name for path in file.parent.iterdir()) == ["styles.csv", "styles.csv.bak"]


def test_saving_without_a_change_touches_nothing(file):
    file.write_bytes(b"name,prompt\nold,x\n")
    StylesFiles.load([file]).save()
    assert file.read_bytes() == b"name,prompt\nold,x\n"
    assert not file.with_name("styles.csv.bak").exists()


@pytest.mark.parametrize(
    "content",
    [
        table(ROWS).encode("cp1252"),
        table(ROWS).encode("utf-16"),
        b"a,b\0,c\n",
        b"name\nonly\n",
        b"<html>\n",
    ],
)
def test_what_a_file_held_is_kept_for_ever_where_writing_would_lose_it(file, content):
    file.write_bytes(content)
    for name in ("one", "two"):
        StylesFiles.load([file]).with_style(Style(name, "x")).save()
    kept = list(file.parent.glob("*.original"))
    assert [path.read_bytes() for path in kept] == [content]
    assert {"one", "two"} <= {style.name for style in StylesFiles.load([file]).styles}


@pytest.mark.parametrize(
    "content",
    [
        table(ROWS, ";").encode(),
        b"\xef\xbb\xbfsep=;\r\n" + table(ROWS, ";").encode(),
        b"id,negative_prompt,name,notes,prompt\r\n1,grey,cafe,mine,light\r\n",
        b"name,prompt,negative_prompt\n#mine,b,c\n\na,b,c\n",
        b'name,prompt,negative_prompt\na,"b,c\nd,e,f\n',
        b"name,text\ninky, ink",
    ],
)
def test_what_is_not_changed_is_written_as_it_stood(file, content):
    file.write_bytes(content)
    before = rows_of(file)
    StylesFiles.load([file]).with_style(Style("new", "a, b; c", "")).save()
    assert file.read_bytes().removeprefix(b"\xef\xbb\xbf").startswith(content.removeprefix(b"\xef\xbb\xbf"))
    assert rows_of(file) == [*before, ("new", "a, b; c", "")]
    loaded = StylesFiles.load([file])
    loaded.without(loaded.find("new"))[0].save()
    assert file.read_bytes().strip(b"\xef\xbb\xbf\r\n") == content.strip(b"\xef\xbb\xbf\r\n")
    assert list(file.parent.glob("*.original")) == []


def test_a_changed_style_keeps_its_other_columns_and_its_place(file):
    file.write_bytes(b"id,negative_prompt,name,notes,prompt\n1,grey,cafe,mine,light\n2,,b,,x\n")
    loaded = StylesFiles.load([file])
    loaded.with_style(Style("bar", "dark", "red"), "cafe").save()
    assert file.read_bytes().splitlines()[1:] == [b"1,red,bar,mine,dark", b"2,,b,,x"]


def test_a_first_negative_prompt_gets_a_column_behind_all_others(file):
    file.write_bytes(b"name,text\na,x\nb,y,stray\n")
    StylesFiles.load([file]).with_style(Style("c", "z", "grey")).save()
    assert rows_of(file) == [("a", "x", ""), ("b", "y", ""), ("c", "z", "grey")]


def test_a_change_in_the_file_since_it_was_read_is_not_written_over(file):
    loaded = StylesFiles.load([file])
    file.write_bytes(b"name,prompt\nby hand,x\n")
    with pytest.raises(Busy, match=r"styles.csv was changed"):
        loaded.with_style(Style("a", "x")).save()
    assert rows_of(file) == [("by hand", "x", "")]


CELLS = st.text(st.sampled_from('ab,;"\r\n \t#é'), max_size=8)


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.sampled_from('ab,;"\r\n #'), max_size=40),
    st.lists(st.tuples(NAMES, CELLS, CELLS), min_size=1, max_size=4, unique_by=lambda row: row[0]),
    st.data(),
)
def test_changes_beside_broken_lines_change_nothing_else(tmp_path_factory, junk, rows, data):
    """Whatever stands in a file: adding, changing, deleting and putting back leave all other styles alone."""
    file = tmp_path_factory.mktemp("styles") / "styles.csv"
    file.write_text("name,prompt,negative_prompt\n" + junk, encoding="utf-8", newline="")
    for row in rows:
        before = [
            (style.name, style.prompt, style.negative_prompt) for style in read_styles_file(file).styles
        ]
        loaded = StylesFiles.load([file])
        known = [name for name, *_ in before]
        loaded.with_style(Style(*row)).save()
        if row[0] in known:
            before[len(known) - 1 - known[::-1].index(row[0])] = row
        else:
            before.append(row)
        after = [(style.name, style.prompt, style.negative_prompt) for style in read_styles_file(file).styles]
        assert after == before
    loaded = StylesFiles.load([file])
    chosen = data.draw(st.sampled_from(loaded.styles))
    without, gone, at = loaded.without(chosen)
    without.save()
    assert len(read_styles_file(file).styles) == len(before) - 1
    loaded = StylesFiles.load([file])
    if loaded.files[0].digest == digest_of(without.files[0].table.encode()):
        loaded.with_row(file, gone, at).save()
        assert sorted(read_styles_file(file).styles, key=str) == sorted(
            (Style(*each, file) for each in before), key=str
        )


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.csv").write_bytes(b"name,prompt\na,x\n")
    link = tmp_path / "styles.csv"
    link.symlink_to("real.csv")
    StylesFiles.load([link]).with_style(Style("b", "y")).save()
    assert link.is_symlink()
    assert len(rows_of(tmp_path / "real.csv")) == 2


def test_of_two_styles_of_one_name_the_last_counts_and_both_stay(file):
    file.write_bytes(b"name,prompt,negative_prompt\na,b,c\na,d,e\n")
    StylesFiles.load([file]).with_style(Style("a", "changed")).save()
    assert rows_of(file) == [("a", "changed", "")]
    assert b"a,b,c" in file.read_bytes()


def test_a_folder_that_is_missing_is_named(tmp_path):
    file = tmp_path / "missing" / "styles.csv"
    with pytest.raises(StorageError, match=r"could not be saved to .*missing"):
        StylesFiles.load([file]).with_style(Style("a", "x")).save()


def test_several_files_are_saved_apart_and_none_loses_what_another_has_too(tmp_path):
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("name,prompt\none,x\nboth,first\n", encoding="utf-8")
    two.write_text("name,prompt\ntwo,x\nboth,second\n", encoding="utf-8")
    loaded = StylesFiles.load([tmp_path / "*.csv"])
    assert [(style.name, style.prompt) for style in loaded.styles] == [
        ("one", "x"),
        ("both", "second"),
        ("two", "x"),
    ]
    loaded.with_style(Style("three", "y")).with_style(Style("both", "changed")).save()
    assert rows_of(one) == [("one", "x", ""), ("both", "first", ""), ("three", "y", "")]
    assert rows_of(two) == [("two", "x", ""), ("both", "changed", "")]


def test_the_log_is_told_once_what_is_wrong(file, caplog):
    file.write_bytes(table(ROWS).encode("cp1252"))
    reader = StylesReader([file])
    with caplog.at_level(logging.WARNING):
        assert reader.load().styles == reader.load().styles
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "UTF-8" in caplog.text


@settings(max_examples=200)
@example("a\ufffd", "\ufeff", "\x85\u2028")
@given(NAMES, PROMPTS, PROMPTS)
def test_any_style_comes_back_from_its_file(tmp_path_factory, name, prompt, negative_prompt):
    file = tmp_path_factory.mktemp("styles") / "styles.csv"
    style = Style(name, prompt, negative_prompt, file)
    StylesFiles.load([file]).with_style(style).save()
    assert read_styles_file(file).styles == (style,)
    assert read_styles_file(file).is_plain
