"""Scripts of extensions: their base, those that were loaded, and the runners of both tabs."""
# pyright: basic

import inspect
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path

from modules import script_callbacks, scripts_postprocessing
from modules.scripts_postprocessing import ScriptPostprocessing
from webui.compat.a1111.denoising.host_scripts import add_host_scripts
from webui.compat.a1111.host import current
from webui.compat.a1111.page.calls import call_extension
from webui.compat.a1111.page.extension_script import ALWAYS_VISIBLE, ComponentMoment, ExtensionScript
from webui.compat.a1111.page.script_runner import ExtensionScriptRunner

AlwaysVisible = ALWAYS_VISIBLE
OnComponent = ComponentMoment
ScriptFile = namedtuple("ScriptFile", ["basedir", "filename", "path"])
ScriptClassData = namedtuple("ScriptClassData", ["script_class", "path", "basedir", "module"])


class MaskBlendArgs:
    def __init__(self, current_latent, nmask, init_latent, mask, blended_latent, denoiser=None, sigma=None):
        self.current_latent = current_latent
        self.nmask = nmask
        self.init_latent = init_latent
        self.mask = mask
        self.blended_latent = blended_latent
        self.denoiser = denoiser
        self.is_final_blend = denoiser is None
        self.sigma = sigma


class PostSampleArgs:
    def __init__(self, samples):
        self.samples = samples


class PostprocessImageArgs:
    def __init__(self, image):
        self.image = image


class PostProcessMaskOverlayArgs:
    def __init__(self, index, mask_for_overlay, overlay_image):
        self.index = index
        self.mask_for_overlay = mask_for_overlay
        self.overlay_image = overlay_image


class PostprocessBatchListArgs:
    def __init__(self, images):
        self.images = images


class Script(ExtensionScript):
    """The base of extensions' scripts."""


class ScriptBuiltinUI(Script):
    setup_for_ui_only = True

    def elem_id(self, item_id):
        return f"{self.tabname}_{item_id}"


class ScriptRunner(ExtensionScriptRunner):
    """The scripts of one tab."""

    callbacks = script_callbacks._lists

    def classes(self):
        from modules import scripts_auto_postprocessing

        auto = scripts_auto_postprocessing.create_auto_preprocessing_script_data()
        return [(each.script_class, str(each.path)) for each in [*auto, *scripts_data]]

    def run(self, p, *args):
        from modules import shared

        processed = super().run(p, *args)
        shared.total_tqdm.clear()
        return processed


# While the scripts of an extension are loaded, its folder.
current_basedir = None
scripts_data: list[ScriptClassData] = []
postprocessing_scripts_data: list[ScriptClassData] = []


def basedir():
    """The folder of the extension whose scripts are being loaded; else the program's."""
    return current_basedir or str(current().root)


def register_scripts_from_module(module, scriptfile):
    """Note the script classes in a module that was loaded."""
    for found in list(module.__dict__.values()):
        if not inspect.isclass(found):
            continue
        data = ScriptClassData(found, scriptfile.path, scriptfile.basedir, module)
        if issubclass(found, Script) and found not in (Script, ScriptBuiltinUI):
            scripts_data.append(data)
        elif issubclass(found, ScriptPostprocessing) and found is not ScriptPostprocessing:
            postprocessing_scripts_data.append(data)


def list_scripts(scriptdirname, extension, *, include_extensions=True):
    """Files of extensions in folders of that name, in the order in which extensions are loaded."""
    from modules import extensions

    found = []
    if include_extensions:
        for each in extensions.active():
            found += each.list_files(scriptdirname, extension)
    return [each for each in found if Path(each.path).suffix.lower() == extension]


def list_files_with_name(filename):
    """Files of that name in the folders of extensions."""
    from modules import extensions

    folders = [str(current().root), *(each.path for each in extensions.active())]
    files = [Path(folder) / filename for folder in folders]
    return [str(each) for each in files if each.is_file()]


def load_scripts():
    """Nothing: the host loads scripts when the program starts."""


reload_scripts = load_scripts


def reload_script_body_only():
    """Nothing: Reload UI loads scripts anew."""


def wrap_call(func, filename, funcname, *args, default=None, **kwargs):
    return call_extension(filename, funcname, func, *args, default=default, **kwargs)


scripts_txt2img = ScriptRunner()
scripts_img2img = ScriptRunner()
scripts_postproc = scripts_postprocessing.ScriptPostprocessingRunner()
scripts_current = None


def add_classes_to_gradio_component(comp):
    """Give a component the class names that styles of extensions look for."""
    kind = comp.get_block_name()
    comp.elem_classes = [f"gradio-{kind}", *(comp.elem_classes or [])]
    if getattr(comp, "multiselect", False):
        comp.elem_classes.append("multiselect")


@dataclass
class ScriptWithDependencies:
    script_canonical_name: str
    file: ScriptFile
    requires: list
    load_before: list
    load_after: list


__all__ = [name for name in dir() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]

# Extensions look for the X/Y/Z plot among the scripts, some of them while they are loaded.
add_host_scripts(scripts_data, ScriptClassData)
