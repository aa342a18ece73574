"""The counters in the corners of the prompts: tokens used, and brackets that do not match."""

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
        return counter_html(used, limit, unmatched(whole))

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


def counter_html(used: int, limit: int, complaint: str = "") -> str:
    """The counter; red, with the complaint as its tooltip, where something is wrong."""
    text = f"{used}/{limit}" if limit else "?"
    return f'<span class="error" title="{complaint}">{text}</span>' if complaint else f"<span>{text}</span>"


def unmatched(prompt: str) -> str:
    """A sentence about brackets of the prompt that have no partner; empty if all match."""
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
    missing = [letter for letter, count in opened.items() for _ in range(count)] + extra
    return f"These brackets have no partner: {' '.join(missing[:8])}".replace("<", "&lt;") if missing else ""
