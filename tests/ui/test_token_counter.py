"""The counters in the corners of the prompts."""

import pytest

from webui.ui.token_counter import counter_html, unmatched


@pytest.mark.parametrize("prompt", ["", "a (b:1.2) [c]", r"a \( b", "<lora:x:1> {a|b}", "((a))"])
def test_matching_brackets_are_no_matter(prompt):
    assert unmatched(prompt) == ("", "")


@pytest.mark.parametrize(
    ("prompt", "names", "short"),
    [
        ("(a", "(", "bracket not closed"),
        ("a)", ")", "bracket not opened"),
        ("[a)", "[ )", "bracket not closed"),
        ("<lora", "<", "bracket not closed"),
    ],
)
def test_a_bracket_without_a_partner_is_named(prompt, names, short):
    sentence, words = unmatched(prompt)
    assert sentence.endswith(names)
    assert words == short


def test_ten_thousand_brackets_are_named_briefly():
    assert len(unmatched("(" * 10_000)[0]) < 100


def test_the_counter_is_red_only_with_a_complaint():
    assert counter_html(13, 75) == "<span>13/75</span>"
    assert 'class="error"' in counter_html(13, 75, "a bracket")


def test_the_counter_says_what_is_wrong_and_lets_no_text_become_markup():
    shown = counter_html(13, 75, 'no "partner": <', "bracket not closed")
    assert shown == (
        '<span class="error" title="no &quot;partner&quot;: &lt;">bracket not closed · 13/75</span>'
    )
