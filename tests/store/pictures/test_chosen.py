import csv
import zipfile
from dataclasses import replace
from datetime import UTC, datetime

from PIL import Image

from webui.core.request import GenerationRequest
from webui.core.settings import Folders, Saving
from webui.store.pictures.chosen import LOG_FIELDS, ChosenPicture, SaveButton
from webui.store.pictures.filenames import NameFacts
from webui.store.pictures.images import ImageFiles
from webui.store.reading import read_infotext

REQUEST = GenerationRequest(
    prompt='a "fox", red\n狐', negative_prompt="dog", seed=41, sampler="Euler a", batch_size=2
)
NOW = datetime(2024, 3, 9, 12, 0, tzinfo=UTC).astimezone()
LINE = [
    'a "fox", red\n狐',
    "41",
    "16",
    "8",
    "Euler a",
    "7.0",
    "20",
    "00000-41.png",
    "dog",
    "dream",
    "0123456789",
]


def chosen(index=0):
    told = {"model_name": "dream", "model_hash": "0123456789"}
    facts = replace(NameFacts.of(REQUEST, index, 41 + index, told), now=NOW)
    return ChosenPicture(Image.new("RGB", (16, 8)), f"a fox\nSteps: {index}", facts)


def press(tmp_path, pictures, *, as_archive=False, **saving):
    button = SaveButton(ImageFiles(tmp_path))
    return button.save(pictures, Saving(**saving), Folders(), as_archive=as_archive)


def log_of(tmp_path):
    with (tmp_path / "log" / "images" / "log.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_chosen_pictures_lie_in_one_folder_with_a_line_about_the_first(tmp_path):
    paths = press(tmp_path, [chosen(0), chosen(1)])
    assert [path.name for path in paths] == ["00000-41.png", "00001-42.png"]
    assert {path.parent for path in paths} == {tmp_path / "log" / "images"}
    assert read_infotext(paths[1]).infotext == "a fox\nSteps: 1"
    assert log_of(tmp_path) == [list(LOG_FIELDS), LINE]


def test_the_log_grows(tmp_path):
    press(tmp_path, [chosen()])
    press(tmp_path, [chosen()])
    assert [line[7] for line in log_of(tmp_path)] == ["filename", "00000-41.png", "00001-41.png"]


def test_the_log_of_an_older_A1111_gets_todays_columns(tmp_path):
    folder = tmp_path / "log" / "images"
    folder.mkdir(parents=True)
    old = ["cat", "1", "8", "8", "Euler", "7", "20", "00000-1.png", ""]
    with (folder / "log.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([LOG_FIELDS[:9], old])
    press(tmp_path, [chosen()])
    assert log_of(tmp_path) == [list(LOG_FIELDS), [*old, "", ""], LINE]


def test_the_log_can_be_left_out(tmp_path):
    press(tmp_path, [chosen()], save_write_log_csv=False)
    assert not (tmp_path / "log" / "images" / "log.csv").exists()


def test_an_archive_holds_all_files_and_has_A1111s_name(tmp_path):
    archive, *others = press(tmp_path, [chosen(0), chosen(1)], as_archive=True, save_txt=True)
    assert archive.name == f"{NOW:%Y%m%d%H%M%S}_[dream]_41-42.zip"
    with zipfile.ZipFile(archive) as packed:
        assert packed.namelist() == [path.name for path in others]
        assert packed.read("00000-41.txt") == b"a fox\nSteps: 0\n"
        assert packed.read("00000-41.png") == others[0].read_bytes()


def test_nothing_chosen_saves_nothing(tmp_path):
    assert press(tmp_path, [], as_archive=True) == []
