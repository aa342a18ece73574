"""`python -m webui.library.community.reading FOLDER SECONDS`: the report on a folder's code, as JSON."""

import sys
from pathlib import Path

from webui.library.community.reading.folder_code import FolderReader

if __name__ == "__main__":
    report = FolderReader(Path(sys.argv[1])).read(float(sys.argv[2]))
    sys.stdout.write(report.model_dump_json())
