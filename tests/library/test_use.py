"""What is said before a model goes to the trash."""

import pytest

from webui.library.library import use_sentence


@pytest.mark.parametrize(
    ("pictures", "styles", "named_by", "sentence"),
    [
        (0, [], [], "Nothing here names it."),
        (1, [], [], "1 picture of the history was made with it."),
        (2, ["ink"], [], "2 pictures of the history were made with it; the style ink names it."),
        (0, ["ink", "oil"], ["a"], "The styles ink, oil name it; the card of a names it."),
        (1, [], ["a", "b"], "1 picture of the history was made with it; the cards of a, b name it."),
    ],
)
def test_one_and_several_are_said_in_grammar(pictures, styles, named_by, sentence):
    assert use_sentence(pictures, styles, selected=False, named_by=named_by) == sentence


def test_what_is_selected_is_said_last():
    assert use_sentence(1, [], selected=True, named_by=[]).endswith("made with it; it is selected now.")
