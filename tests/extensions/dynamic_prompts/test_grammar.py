"""The grammar of templates, held against the package that it is that of."""

from itertools import islice
from random import Random

import pytest
from dynamicprompts.enums import SamplingMethod
from dynamicprompts.sampling_context import SamplingContext
from dynamicprompts.wildcards import WildcardManager
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from extensions.dynamic_prompts.draw import Drawing
from extensions.dynamic_prompts.grammar import is_template, parse, parse_template
from extensions.dynamic_prompts.wildcards import Lists
from webui.plugins import InvalidRequest

# In the package's order, which sorts them.
LISTS = {"animal": ["ant", "bee {hive|wax}"], "tone/dark": ["black", "grey"], "tone/light": ["white"]}
PACKAGE = WildcardManager(root_map={"": [LISTS]})


@pytest.fixture(scope="module")
def lists(tmp_path_factory) -> Lists:
    folder = tmp_path_factory.mktemp("wildcards")
    for name, lines in LISTS.items():
        file = folder / f"{name}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(lines))
    return Lists(folder)


def told_nothing(text: str) -> None:
    raise AssertionError(text)


def combine(text: str, lists: Lists, most: int = 60) -> list[str]:
    return list(
        islice(Drawing(lists, Random(0), told_nothing, way="all").combine(parse_template(text)), most)
    )


def draw(text: str, lists: Lists, seed: int = 0, number: int = 0) -> str:
    return Drawing(lists, Random(seed), told_nothing, number).draw(parse_template(text))


def package_combinations(text: str, most: int = 60) -> list[str]:
    context = SamplingContext(SamplingMethod.COMBINATORIAL, PACKAGE)
    return [str(each) for each in context.sample_prompts(text, most)]


plain = st.text("ab ,(:1.2)[]<>", min_size=1, max_size=6)
names = st.sampled_from(["animal", "tone/dark", "tone/*", "tone/**", "animal(x=1)"])


def variants_of(inner):
    weights = st.sampled_from(["", "", "2::", "0.5::"])
    bounds = st.sampled_from(["", "", "2$$", "1-2$$", "-2$$", "2-$$", "2$$ and $$", "0-1$$"])
    options = st.lists(st.tuples(weights, inner), min_size=2, max_size=3, unique_by=lambda pair: pair[1])
    return st.tuples(bounds, options).map(lambda pair: "{" + pair[0] + "|".join(map("".join, pair[1])) + "}")


def texts_of(pieces):
    return st.lists(pieces, min_size=1, max_size=3).map("".join)


choices = st.recursive(
    st.one_of(plain, names.map(lambda name: f"__{name}__")),
    lambda inner: st.one_of(texts_of(inner), variants_of(inner)),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.lists(st.one_of(plain, variants_of(choices)), min_size=1, max_size=3).map("".join))
def test_all_combinations_are_the_packages(lists, text):
    assume(is_template(text))
    try:
        expected = package_combinations(text)
    except RuntimeError:
        # The package ends so where options that look different give the same text.
        expected = []
    assume(expected)
    assert combine(text, lists) == expected


@pytest.mark.parametrize(
    "text",
    [
        "${x={a|b}} ${x}, ${x}",
        "a ${y:{c|d}} b",
        "%{one ... two$${a|b}}",
        "%{one … {x|y}$$__animal__}",
        "{2$$__tone/dark__}",
        "{__tone/*__}",
        "__${t:animal}__",
        "{a|}",
        "x } {a|b}",
        "{@a|b} {c|d|e}",
        "{a|b} http://x",
        "{5-9$$a|b}",
        "BREAK\n\n {a|b}\n AND c",
    ],
)
def test_these_are_the_packages_too(lists, text):
    assert combine(text, lists) == package_combinations(text)


@given(st.text(st.characters(exclude_characters="{}_$%#/"), max_size=80))
def test_a_plain_text_is_left_as_it_is(lists, text):
    assert not is_template(text)
    assert parse(text) == ((text,) if text else ())
    assert draw(text, lists) == text


@pytest.mark.parametrize(
    "text",
    [
        "{a cat}, ((masterpiece))",
        '{"json": [1, 2]}',
        "snake__case and __ alone __",
        "a {broken|pair",
        r"\{a|b\}",
        "100% $5 ${ %{",
        "# a comment with {a|b",
        "<lora:my__style__v2>:1",
        "{}",
        "____",
        "f(x) = {x}",
    ],
)
def test_what_is_no_grammar_is_left_as_it_is(lists, text):
    if not is_template(text):
        assert draw(text, lists) == text
    else:
        assert text.startswith("<lora"), "only a name between underscores may be one"


@given(st.text("{}|_$%=:~!@#()a1-, ", max_size=60), st.integers(0, 2**32))
def test_whatever_is_written_it_is_drawn_or_refused(lists, text, seed):
    quiet = Drawing(lists, Random(seed), lambda told: None)
    once = quiet.draw(parse_template(text))
    again = Drawing(lists, Random(seed), lambda told: None).draw(parse_template(text))
    assert once == again
    assert list(
        islice(Drawing(lists, Random(seed), lambda told: None, way="all").combine(parse_template(text)), 5)
    )


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_the_number_of_combinations_is_the_product(lists, first, second, third):
    sizes = (first, second, third)
    text = " ".join("{" + "|".join(f"v{n}{i}" for i in range(size)) + "|}" for n, size in enumerate(sizes))
    assert len(set(combine(text, lists, 1000))) == (first + 1) * (second + 1) * (third + 1)


@given(st.integers(0, 10**6))
def test_a_draw_is_one_of_the_combinations(lists, seed):
    text = "{2$$a|b|{c|d}} __animal__ ${x=!{e|f}} ${x}${x}"
    assert draw(text, lists, seed).rstrip("ef") in {each.rstrip("ef") for each in combine(text, lists, 500)}
    assert draw(text, lists, seed)[-2:] in ("ee", "ff")


def test_weights_are_shares(lists):
    drawn = [draw("{3::a|1::b|0::c}", lists, seed) for seed in range(2000)]
    assert 0.70 < drawn.count("a") / 2000 < 0.80
    assert "c" not in drawn


def test_turns_go_round(lists):
    drawn = [draw("{@a|b|c} {@x|y}", lists, 5, number) for number in range(6)]
    assert drawn == ["a x", "b y", "c x", "a y", "b x", "c y"]


def test_comments_are_taken_out_of_templates_only(lists):
    assert combine("{a|b} # {c|d}\n/* e */f", lists) == ["a \nf", "b \nf"]
    assert parse_template("a # b") == ("a # b",)


def test_what_stands_in_itself_is_refused(tmp_path):
    (tmp_path / "loop.txt").write_text("__loop__")
    with pytest.raises(InvalidRequest, match="stands in itself"):
        draw("__loop__", Lists(tmp_path))
    with pytest.raises(InvalidRequest, match="stands in itself"):
        draw("${a=${b}} ${b=${a}} ${a}", Lists(None))


def test_lists_that_double_one_another_are_refused(tmp_path):
    for number in range(30):
        (tmp_path / f"w{number}.txt").write_text(f"__w{number + 1}__ __w{number + 1}__")
    (tmp_path / "w30.txt").write_text("x")
    with pytest.raises(InvalidRequest, match="too many choices"):
        draw("__w0__", Lists(tmp_path))


@pytest.mark.parametrize(
    "unit",
    ["{", "{a|", "__a ", "{a|b} ", "${a={x|y}}", "__", "__{", "#", "${a:", "%{a$$", "__(", "/*", "{1", "}"],
)
def test_long_texts_are_read_in_proportion_to_their_length(lists, unit):
    # A second each, where a quadratic reading would take minutes.
    parse_template(unit * 20_000 + "{a|b}" + "}" * 20_000)
