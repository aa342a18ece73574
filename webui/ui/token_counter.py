"""The counters in the corners of the prompts: tokens used, and brackets that do not match."""

from html import escape

import gradio as gr

from webui.core.errors import WebuiError
from webui.jobs.services import Services
from webui.prompts.chunks import Chunking
from webui.prompts.conditioning import Timeline, token_count
from webui.prompts.tokenizer import clip_tokenizer
from webui.ui.components.toprow import Toprow
from webui.ui.handlers import INSTANT

BRACKETS = {")": "(", "]": "[", "}": "{", ">": "<"}
# Longer prompts are not counted while typing.
LONGEST_COUNTED = 50_000


def wire_counters(services: Services, toprow: Toprow) -> None:
    """Count while the artist types. Texts wait for the count before them, and only the last is taken."""

    def count(text: str, names: list[str], *, is_negative: bool) -> str:
        styles, settings = services.requests.styles(), services.settings.current
        whole = styles.apply_negative(text, names) if is_negative else styles.apply(text, names)
        options, tokenizer = settings.image, clip_tokenizer("transformers")
        if len(whole) > LONGEST_COUNTED:
            return counter_html(0, 0, "This prompt is too long to count.")
        embeddings = services.embedding_names(whole, tokenizer)
        chunking = Chunking(tokenizer, options.emphasis, options.comma_padding_backtrack, embeddings)
        try:
            used, limit = token_count(whole, Timeline(20), chunking, is_negative=is_negative)
        except WebuiError as error:
            return counter_html(0, 0, str(error))
        return counter_html(used, limit, *unmatched(whole))

    for box, button, counter, is_negative in (
        (toprow.prompt, toprow.counter_button, toprow.counter, False),
        (toprow.negative_prompt, toprow.negative_counter_button, toprow.negative_counter, True),
    ):

        def counted(text: str, names: list[str], is_negative: bool = is_negative) -> str:
            return count(text, names or [], is_negative=is_negative)

        gr.on(
            [box.change, button.click, toprow.styles.change],
            counted,
            inputs=[box, toprow.styles],
            outputs=[counter],
            trigger_mode="always_last",
            **INSTANT,
        )


def counter_html(used: int, limit: int, complaint: str = "", short: str = "") -> str:
    """The counter; red where something is wrong, with `short` before it and the complaint as its tooltip."""
    text = f"{used}/{limit}" if limit else "?"
    if not complaint:
        return f"<span>{text}</span>"
    words = f"{escape(short)} · {text}" if short else text
    return f'<span class="error" title="{escape(complaint)}">{words}</span>'


def unmatched(prompt: str) -> tuple[str, str]:
    """A sentence about brackets of the prompt that have no partner, and the same in few words.

    Both are empty if all match.
    """
    opened: dict[str, int] = dict.fromkeys(BRACKETS.values(), 0)
    escaped = False
    extra: list[str] = []
    for letter in prompt:
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter in opened:
            opened[letter] += 1
        elif (partner := BRACKETS.get(letter)) and opened[partner]:
            opened[partner] -= 1
        elif partner:
            extra.append(letter)
    missing = [letter for letter, count in opened.items() for _ in range(count)]
    if not missing and not extra:
        return "", ""
    sentence = f"These brackets have no partner: {' '.join((missing + extra)[:8])}"
    return sentence, "bracket not closed" if missing else "bracket not opened"
