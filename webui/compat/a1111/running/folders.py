"""Where pictures of a processing object go."""

from webui.compat.a1111.runs import ActiveRun
from webui.core.events import SaveAs
from webui.store.pictures.images import picture_folder


def choose_folder(run: ActiveRun) -> SaveAs | None:
    """Where pictures go that are not for the tab's folder."""
    wanted = str(run.p.outpath_samples or "")
    tab = "img2img" if run.request.is_img2img else "txt2img"
    usual = picture_folder(run.context.settings.folders, tab)
    return None if wanted in ("", usual) else SaveAs(folder=wanted, as_usual=True)
