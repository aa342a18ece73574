"""Texts as HTML."""

import pytest

from webui.ui.texts import duration, infotext_html, notice, paragraph

INFOTEXT = "a <b>fox</b>\nin snow\nNegative prompt: blurry\nSteps: 20, Sampler: Euler, Seed: 1"


def test_an_infotext_is_shown_in_its_three_parts():
    shown = infotext_html(INFOTEXT)
    assert '<p class="prompt-text">a &lt;b&gt;fox&lt;/b&gt;<br>in snow</p>' in shown
    assert '<p class="negative-text">Negative prompt: blurry</p>' in shown
    assert '<p class="parameters">Steps: 20, Sampler: Euler, Seed: 1</p>' in shown


@pytest.mark.parametrize("text", ["", "one line only", "<script>alert(1)</script>"])
def test_other_texts_are_shown_as_they_are_and_escaped(text):
    shown = infotext_html(text)
    assert "<script>" not in shown
    assert "parameters" not in shown


def test_nothing_to_say_is_no_box():
    assert notice("") == ""
    assert "&lt;b&gt;" in notice("<b>")
    assert 'role="alert"' in notice("wrong")


def test_line_breaks_are_kept():
    assert paragraph("a\nb") == "<p>a<br>b</p>"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59.4, "59 s"), (60, "1 min"), (125, "2 min 5 s"), (3780, "1 h 3 min")],
)
def test_durations_are_said_as_people_say_them(seconds, words):
    assert duration(seconds) == words
