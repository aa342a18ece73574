"""/v1/styles: what the page's dialog of styles asks for. A1111's list of them is /sdapi/v1/prompt-styles."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field

from webui.core.readable import readable
from webui.core.style import Style
from webui.jobs.services import Services
from webui.store.styles_editor import MAX_PROMPT, labels, version_of
from webui.store.styles_file import StylesFiles

# Prompts may be longer than what a style may hold.
MAX_TEXT = 10 * MAX_PROMPT
MAX_NAMES = 1000
# Halves of letters, which JSON can spell, could not be sent back.
Text = Annotated[str, AfterValidator(readable)]


class StyleTexts(BaseModel):
    """A style as it is to be written."""

    name: str
    prompt: str = ""
    negative_prompt: str = ""

    def style(self) -> Style:
        """As a style."""
        return Style(self.name, self.prompt, self.negative_prompt)


class NewStyle(StyleTexts):
    """A style to be added; `file` is the label of the file that it goes to, empty for the first."""

    file: str = ""


class ChangedStyle(StyleTexts):
    """New texts of the style called `old_name`; `version` is that of the texts they were made from."""

    old_name: str
    version: str


class StyleAnswer(StyleTexts):
    """A style of a file; `version` changes with its texts."""

    file: str
    version: str


class FileAnswer(BaseModel):
    """A styles file, and what is wrong with it in sentences."""

    label: str
    messages: list[str]


class StylesAnswer(BaseModel):
    """All styles in the order of their files; `version` changes with anything in them."""

    version: str
    files: list[FileAnswer]
    styles: list[StyleAnswer]


class DeletedAnswer(BaseModel):
    """What puts a deleted style back, and a sentence on what was done."""

    id: str
    sentence: str


class Prompts(BaseModel):
    """A prompt and its negative prompt."""

    prompt: Text = Field(default="", max_length=MAX_TEXT)
    negative_prompt: Text = Field(default="", max_length=MAX_TEXT)


class NamedPrompts(Prompts):
    """Prompts, and the names of styles to write into them."""

    names: list[Text] = Field(max_length=MAX_NAMES)


class AppliedAnswer(Prompts):
    """Prompts with styles written into them; `names` are no styles, `sentence` says so."""

    names: list[str]
    sentence: str


class ExtractedAnswer(Prompts):
    """Prompts without the styles that stood in them, whose names are given."""

    names: list[str]


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()
    add_editing_routes(router, services)
    add_prompt_routes(router, services)
    return router


def add_editing_routes(router: APIRouter, services: Services) -> None:
    """List and change."""
    editor = services.styles_editor

    @router.get("/v1/styles")
    def styles() -> StylesAnswer:
        """All styles, as they stand in the files now."""
        return styles_answer(editor.load())

    @router.post("/v1/styles")
    def add(new: NewStyle) -> StyleAnswer:
        """Write a new style."""
        return style_answer(editor.load(), editor.add(new.style(), new.file))

    @router.put("/v1/styles")
    def change(changed: ChangedStyle) -> StyleAnswer:
        """Write a style in its place, under a new name where it has one."""
        written = editor.change(changed.old_name, changed.style(), changed.version)
        return style_answer(editor.load(), written)

    @router.delete("/v1/styles")
    def delete(name: str, version: str) -> DeletedAnswer:
        """Take a style out of its file."""
        deleted = editor.delete(name, version)
        also = deleted.shadowed
        sentence = f"The style “{name}” was deleted."
        if also is not None and also.path is not None:
            sentence += f" Another of that name, in {labels(editor.load())[also.path]}, counts now."
        return DeletedAnswer(id=deleted.id, sentence=sentence)

    @router.post("/v1/styles/deleted/{identity}/restore")
    def restore(identity: str) -> StyleAnswer:
        """Put a deleted style back where it stood."""
        return style_answer(editor.load(), editor.restore(identity))


def add_prompt_routes(router: APIRouter, services: Services) -> None:
    """Styles and prompts; nothing is written."""

    @router.post("/v1/styles/apply")
    def apply(given: NamedPrompts) -> AppliedAnswer:
        """Write styles into prompts."""
        styles = services.requests.styles()
        return AppliedAnswer(
            prompt=styles.apply(given.prompt, given.names),
            negative_prompt=styles.apply_negative(given.negative_prompt, given.names),
            names=list(styles.unknown(given.names)),
            sentence=styles.describe_unknown(given.names),
        )

    @router.post("/v1/styles/extract")
    def extract(given: Prompts) -> ExtractedAnswer:
        """Take styles out of prompts."""
        found = services.requests.styles().extract(given.prompt, given.negative_prompt)
        return ExtractedAnswer(
            prompt=found.prompt, negative_prompt=found.negative_prompt, names=list(found.names)
        )


def styles_answer(files: StylesFiles) -> StylesAnswer:
    """All of them as an answer."""
    names = labels(files)
    return StylesAnswer(
        version=files.version,
        files=[
            FileAnswer(label=names[file.path], messages=[readable(each) for each in file.messages])
            for file in files.files
        ],
        styles=[style_answer(files, style) for style in files.styles],
    )


def style_answer(files: StylesFiles, style: Style) -> StyleAnswer:
    """One of them as an answer."""
    label = labels(files).get(style.path, "") if style.path else ""
    return StyleAnswer(
        name=style.name,
        prompt=style.prompt,
        negative_prompt=style.negative_prompt,
        file=label,
        version=version_of(style),
    )
