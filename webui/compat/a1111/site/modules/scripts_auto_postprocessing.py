"""Scripts of Extras that the settings have among the panels of txt2img and img2img."""
# pyright: basic

from modules import scripts, shared


class ScriptPostprocessingForMainUI(scripts.Script):
    def __init__(self, script_postproc):
        self.script = script_postproc
        self.postprocessing_controls = None

    def title(self):
        return self.script.name

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        self.postprocessing_controls = self.script.ui()
        return self.postprocessing_controls.values()

    def postprocess_image(self, p, script_pp, *args):
        from modules.scripts_postprocessing import PostprocessedImage

        picture = PostprocessedImage(script_pp.image)
        picture.info = {}
        self.script.process(picture, **dict(zip(self.postprocessing_controls or {}, args, strict=False)))
        p.extra_generation_params.update(picture.info)
        script_pp.image = picture.image


def create_auto_preprocessing_script_data():
    wanted = shared.opts.data.get("postprocessing_enable_in_main_ui") or ()
    found = []
    for each in scripts.postprocessing_scripts_data:
        script = scripts.wrap_call(each.script_class, each.path, "making it")
        if script is None or script.name not in wanted:
            continue

        def make(script=script):
            return ScriptPostprocessingForMainUI(script)

        found.append(scripts.ScriptClassData(make, each.path, each.basedir, each.module))
    return found
