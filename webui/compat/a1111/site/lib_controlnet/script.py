# pyright: basic
"""What stands for the community's script in runners: it takes units that are given as arguments."""

from modules import scripts

from webui.compat.a1111.facades import control_units

TITLE = "ControlNet"


class ControlNetScript(scripts.Script):
    """Has no panel: the page's ControlNet is the program's own."""

    alwayson = True

    def title(self):
        return TITLE

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return []

    def before_process(self, p, *args):
        """Give the processing object the units among its arguments, if there are any."""
        units = [each for each in args if isinstance(each, control_units.ControlNetUnit | dict)]
        if units:
            control_units.set_units(p, units)


def add_to_runners() -> None:
    """Have it among the scripts of both tabs, where extensions look for it."""
    for runner, is_img2img in ((scripts.scripts_txt2img, False), (scripts.scripts_img2img, True)):
        if runner is None or any(isinstance(each, ControlNetScript) for each in runner.scripts):
            continue
        script = ControlNetScript()
        script.filename = __file__
        script.is_txt2img, script.is_img2img = not is_img2img, is_img2img
        runner.scripts.append(script)
