"""What extensions written for Gradio 3 do with it, in one tab; its effects are seen in its texts."""

import itertools

import gradio as gr
from gradio.components import FormComponent, IOComponent
from modules import script_callbacks
from modules.ui_components import (
    DropdownEditable,
    DropdownMulti,
    FormColumn,
    FormGroup,
    FormHTML,
    FormRow,
    InputAccordion,
    ToolButton,
)
from PIL import Image

SEEN = []
PLACES = {}


class OwnButton(gr.Button, FormComponent):
    """As extensions copied it from each other: positional and named values are passed through."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)

    def get_block_name(self):
        return "button"


class OwnText(gr.Textbox):
    """One without a name for the browser."""

    def __init__(self, text, **kwargs):
        super().__init__(value=text, **kwargs)


class Composite(gr.Checkbox):
    """One that makes another beside it, which must not happen in events."""

    made = 0

    def __init__(self, value, **kwargs):
        super().__init__(value, **kwargs)
        Composite.made += 1
        gr.HTML(f"made {Composite.made}", elem_id=f"g3_composite_{Composite.made}").style(container=False)


class OwnComponent(IOComponent):
    """A component from the base of all; never drawn."""


def note_component(component, **kwargs):
    SEEN.append((type(component).__name__, kwargs.get("elem_id")))
    if kwargs.get("elem_id") == "g3_place":
        PLACES["beside"] = gr.Textbox("beside", elem_id="g3_beside")


def note_before(component, **kwargs):
    if kwargs.get("elem_id") == "g3_place":
        PLACES["before"] = True


def describe(value):
    return f"{type(value).__name__}:{value!r}"


def describe_all(*values):
    return " | ".join(map(describe, values))


def read_sketch(value):
    image, mask = value["image"], value["mask"]
    drawn = mask.convert("L").getextrema()
    return f"{sorted(value)} {image.mode} {image.size} {mask.mode} {mask.size} {drawn}"


def read_plain(value):
    return f"{type(value).__name__} {value.mode} {value.size}"


def list_events(_button):
    raise AssertionError("never called: a hint of a class is no wish for properties")


def events_of(text: gr.Textbox):
    return describe(text)


def section_of_values():
    out = gr.Textbox(label="out", elem_id="g3_out", lable="ignored", tooltip="what came")
    with gr.Row(elem_id="g3_values", Variant="compact", open=True):
        low = gr.Slider(minimum=0, maximum=10, step=1, default=3, label="low", elem_id="g3_slider")
        gr.Slider(minimum=1, maximum=1, label="one value", elem_id="g3_page")
        choice = gr.Dropdown(["a", "b"], label="choice", elem_id="g3_choice", live=True)
        index = gr.Dropdown(["a", "b"], type="index", value="b", elem_id="g3_index", placeholder="none")
        radio = gr.Radio(["x", "y"], default="x", elem_id="g3_radio")
        ticks = gr.CheckboxGroup(("p", "q"), value=["p"], elem_id="g3_ticks")
        number = gr.Number(value=7, precision=0, Interactive=True, elem_id="g3_number")
        several = DropdownMulti(choices=["m", "n"], value=["m"], elem_id="g3_several")
        editable = DropdownEditable(choices=["e"], value="e", elem_id="g3_editable")
    values = [low, choice, index, radio, ticks, number, several, editable]
    read = gr.Button(label="read", elem_id="g3_read", full_width=True).style(full_width=True)
    read.click(fn=describe_all, inputs=values, outputs=[out], show_progress=False, queue=None, api_name=False)
    # What was chosen is no choice any more, and the number beyond the new bounds.
    narrow = gr.Button("narrow", elem_id="g3_narrow")
    narrow.click(
        lambda: (
            gr.Dropdown.update(choices=["c"]),
            gr.Slider.update(maximum=2),
            gr.Radio.update(choices=["z"]),
        ),
        None,
        [index, low, radio],
    )
    hinted = gr.Button("hinted", elem_id="g3_hinted")
    hinted.click(events_of, [out], [out])
    return out


def section_of_scripts(out):
    word = gr.Textbox("word", elem_id="g3_word", interactive=True)
    for name, function, script in (
        ("js_only", None, "(x) => x + '!'"),
        ("js_named", None, "g3Named"),
        ("js_python", lambda text: f"python {text}", "(x) => ['js ' + x]"),
        ("js_nothing", describe, "() => { window.g3Called = true; }"),
        ("js_broken", lambda text: f"python {text}", "(x) => g3Named('HERE, x)"),
    ):
        button = OwnButton(name, elem_id=f"g3_{name}")
        button.click(
            fn=function, _js=script, inputs=[word], outputs=[out], show_api=False, status_tracker=None
        )
    chain = gr.Button("chain", elem_id="g3_chain")
    chain.click(lambda: "first", [], [word]).then(
        lambda text: f"{text} then", [word], [out], every=None
    ).success(fn=None, _js="() => { window.g3Success = true; }")
    # A1111's own way to give a job's name to Python.
    hidden = gr.Label(visible=False)
    job = gr.Button("job", elem_id="g3_job")
    job.click(
        lambda name, text: f"{name} {text}",
        _js="(x, y) => ['task(1)', y]",
        inputs=[hidden, word],
        outputs=[out],
    )
    few = gr.Button("few", elem_id="g3_few")
    few.click(lambda: "only one", [], [out, word])
    table = gr.DataFrame(
        label="table", headers=["Key", "Value"], interactive=False, wrap=True, elem_id="g3_table"
    )
    tell = gr.Button("table", elem_id="g3_tell_table")
    tell.click(lambda: [("Steps", "20"), ("Sampler", "Euler a")], [], [table])


def empty_label():
    blank = gr.Textbox("blank", label="", elem_id="g3_blank")
    name_blank = gr.Button("name blank", elem_id="g3_name_blank")
    name_blank.click(lambda: gr.update(label="named"), [], [blank])
    take_name = gr.Button("take name", elem_id="g3_take_name")
    take_name.click(lambda: gr.Textbox.update(label=""), [], [blank])


def section_of_updates(out):
    row = gr.Row(elem_id="g3_row", visible=False)
    with row:
        gr.HTML("<b>inside</b>", elem_id="g3_inside", interactive=False)
        gr.Textbox("unseen", visible=False, elem_id="g3_row_text")
        with gr.Column(visible=False, elem_id="g3_row_column") as within:
            gr.Markdown("within", elem_id="g3_within")
    column = gr.Column(elem_id="g3_column")
    with column:
        gr.Markdown("inside too", elem_id="g3_inside_too")
    with gr.Box(elem_id="g3_box"):
        hidden_text = gr.Textbox(visible=False, elem_id="g3_hidden_text", show_copy_button=True)
        hidden_button = gr.Button(visible=False, elem_id="g3_hidden_button")
    hidden_button.click(lambda text: f"bridge {text}", [hidden_text], [out])
    with gr.Accordion("closed", open=False, elem_id="g3_accordion") as accordion:
        gr.Textbox("kept", elem_id="g3_kept")
    tool = ToolButton("T", elem_id="g3_tool", tooltip="a tool", elem_classes=["mine"])
    own = OwnText("own", elem_id="g3_own")
    composite = Composite(False, elem_id="g3_composite", label="composite")
    gallery = gr.Gallery(elem_id="g3_gallery", show_share_button=False).style(grid=[2], height="auto")
    change = gr.Button("change", elem_id="g3_change")
    change.click(
        lambda: [
            gr.Row.update(visible=True),
            gr.update(visible=False),
            gr.Accordion.update(open=True),
            ToolButton.update(value="U"),
            gr.Textbox.update("own updated", label="new label"),
            gr.Checkbox.update(value=True, label="composite updated"),
            gr.Gallery.update(value=[Image.new("RGB", (16, 16), "red")]),
        ],
        [],
        [row, column, accordion, tool, own, composite, gallery],
    )
    deeper = gr.Button("deeper", elem_id="g3_deeper")
    deeper.click(lambda: {within: gr.update(visible=True)}, [], [within, out])
    closing = gr.Button("closing", elem_id="g3_closing")
    closing.click(lambda: gr.update(visible=False), [], row)
    with gr.Accordion("veiled", open=False, visible=False, elem_id="g3_veiled") as veiled:
        gr.Textbox("within the veiled", elem_id="g3_in_veiled")
        gr.Textbox("unseen", visible=False, elem_id="g3_unseen_in_veiled")
    unveil = gr.Button("unveil", elem_id="g3_unveil")
    unveil.click(lambda: gr.update(visible=True, open=True, label="seen"), [], [veiled])
    veil = gr.Button("veil", elem_id="g3_veil")
    veil.click(lambda: {veiled: gr.Accordion(visible=False), out: "veiled"}, [], [out, veiled])
    both = gr.Button("both", elem_id="g3_both")
    both.click(lambda: ["shown again", gr.Accordion.update(visible=True)], [], [out, veiled])
    by_component = gr.Button("by component", elem_id="g3_by_component")
    by_component.click(lambda: {own: "by component", tool: gr.update(interactive=False)}, [], [own, tool])
    empty_label()
    read_gallery = gr.Button("read gallery", elem_id="g3_read_gallery")
    read_gallery.click(lambda items: f"{len(items)} {items[0]['is_file']} {len(items[0])}", [gallery], [out])
    with InputAccordion(False, label="part", elem_id="g3_part") as part:
        with part.extra():
            FormHTML("extra", elem_id="g3_extra_text", min_width=0)
        inside = gr.Textbox("in part", elem_id="g3_in_part")
    read_part = gr.Button("read part", elem_id="g3_read_part")
    read_part.click(describe_all, [part, inside], [out])
    set_part = gr.Button("set part", elem_id="g3_set_part")
    set_part.click(lambda: gr.update(value=True), [], [part])
    with FormRow(elem_id="g3_form_row"), FormColumn(), FormGroup(elem_id="g3_form_group"):
        gr.Textbox("in a form", elem_id="g3_in_form")


def section_of_pictures(out):
    sketch = gr.Image(
        label="sketch",
        source="upload",
        tool="sketch",
        type="pil",
        image_mode="RGB",
        brush_color="#ffffff",
        brush_radius=20,
        mirror_webcam=False,
        elem_id="g3_sketch",
    )
    colour = gr.Image(source="upload", tool="color-sketch", type="pil", elem_id="g3_colour")
    plain = gr.Image(source="upload", tool="editor", type="pil", shape=None, elem_id="g3_plain")
    gr.inputs.Textbox(default="old input", label="old")
    gr.Interface(describe, gr.Textbox(label="asked"), "text", allow_flagging="never", css="")
    gr.ImageMask(elem_id="g3_mask", type="pil")
    fill = gr.Button("fill", elem_id="g3_fill")
    picture = Image.new("RGB", (40, 30), "blue")
    fill.click(lambda: [picture, picture, gr.Image.update(value=picture)], [], [sketch, colour, plain])
    for name, function, source in (
        ("read_sketch", read_sketch, sketch),
        ("read_colour", read_plain, colour),
        ("read_plain", read_plain, plain),
    ):
        gr.Button(name, elem_id=f"g3_{name}").click(function, [source], [out])
    plain.edit(lambda: None, [], [])


def section_of_tabs(out):
    with gr.Tabs(elem_id="g3_tabs") as tabs:
        gr.Textbox("beside", elem_id="g3_beside")
        with gr.TabItem("One", id="one", elem_id="g3_tab_one"):
            gr.Textbox("in one", elem_id="g3_in_one")
        with gr.Tab("Two", id="two", elem_id="g3_tab_two") as two, gr.Accordion("in two", open=False):
            gr.Textbox("in two", elem_id="g3_in_two")
        with gr.Tab("Three", elem_id="g3_tab_three", visible=False) as three:
            gr.Textbox("in three", elem_id="g3_in_three")
    two.select(lambda: "two selected", [], [out])
    goto = gr.Button("go to two", elem_id="g3_goto_two")
    goto.click(lambda: gr.Tabs.update(selected="two"), [], [tabs])
    show = gr.Button("show three", elem_id="g3_show_three")
    show.click(lambda: gr.update(visible=True), [], [three])


def build_tab():
    """The tab. No page is open while it is built."""
    with gr.Blocks(
        css="#g3_styled { color: rgb(1, 2, 3); }", variant="panel", analytics_enabled=True
    ) as page:
        out = section_of_values()
        gr.HTML("<span id='g3_styled'>styled</span>")
        gr.HTML("", elem_id="g3_place")
        state = gr.Variable({"count": 0})
        section_of_scripts(out)
        section_of_updates(out)
        section_of_pictures(out)
        section_of_tabs(out)
        clock = gr.Textbox("", label="clock", elem_id="g3_clock")
        ticked = itertools.count(1)
        page.load(lambda: str(next(ticked)), None, [clock], every=0.5)
        count = gr.Button("count", elem_id="g3_count")

        def add(kept, beside):
            kept["count"] += 1
            return kept, f"{beside} {kept['count']} {PLACES.get('before')} {Composite.made}"

        count.click(add, [state, PLACES["beside"]], [state, out])
        events = gr.Button("events", elem_id="g3_events")

        def list_events():
            names = [function.name for function in page.fns if function.fn is describe_all]
            triggers = {event["trigger"] for event in page.dependencies}
            known = {elem_id: name for name, elem_id in SEEN if elem_id}
            host = [known.get(each) for each in ("txt2img_prompt", "txt2img_generate", "g3_tool", "g3_row")]
            arrows = sum(elem_id == "paste" for _, elem_id in SEEN)
            return f"{names} {sorted(triggers)[:1]} {host} {arrows} {gr.__version__}"

        events.click(list_events, [], [out])
    return [(page, "Gradio 3", "gradio_three")]


script_callbacks.on_ui_tabs(build_tab)
script_callbacks.on_before_component(note_before)
script_callbacks.on_after_component(note_component)


def add_page_tab(original):
    """As one adds a tab to the page's own: while that of img2img is made."""

    def construct(self, *args, **kwargs):
        original(self, *args, **kwargs)
        if self.elem_id == "tab_img2img":
            self.parent.__enter__()
            beside = gr.TabItem("Beside <img2img>", id="tab_beside", elem_id="tab_beside")
            with beside, gr.Tabs(), gr.Tab("Within"):
                gr.Textbox("of its own", elem_id="g3_page_tab")
            self.parent.__exit__()

    return construct


gr.blocks.BlockContext.__init__ = add_page_tab(gr.blocks.BlockContext.__init__)
