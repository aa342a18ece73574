from webui.core.style import Style
from webui.prompts.styles import ExtractedStyles, Styles


def styles_of(*styles):
    return Styles(tuple(Style(*style) for style in styles))


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
