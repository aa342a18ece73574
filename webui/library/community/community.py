"""All about extensions of others, put together once when the program starts."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from webui.library.community.audit_log import AuditLog
from webui.library.community.extension_index import IndexFile
from webui.library.community.extension_trash import ExtensionTrash
from webui.library.community.git import FetchLimits, Git
from webui.library.community.installed import InstalledExtensions
from webui.library.community.installer import Installer
from webui.library.community.records import InstallRecords
from webui.library.community.staging_area import INCOMING, StagingArea
from webui.library.fetch.web import Web


@dataclass(frozen=True, slots=True)
class Community:
    """What the routes of the tab Extensions use. `changed`: the next start will bring other code."""

    records: InstallRecords
    installed: InstalledExtensions
    installer: Installer
    trash: ExtensionTrash
    audit: AuditLog
    index: IndexFile
    changed: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def build(
        cls,
        home: Path,
        shipped: Path,
        data: Path,
        web: Web,
        environment: Mapping[str, str],
        limits: FetchLimits | None = None,
    ) -> Self:
        """For extensions below `home`; those that come along lie in `shipped`. Makes no folder."""
        records, audit = InstallRecords(data), AuditLog(data)
        area = StagingArea(home, records)
        installed = InstalledExtensions(area, shipped, records)
        trash = ExtensionTrash(home, records)
        git = Git(environment, home / INCOMING, limits)
        installer = Installer(git, area, records, installed, trash, audit)
        return cls(records, installed, installer, trash, audit, IndexFile(data, web))


def recover_extensions(home: Path, data: Path) -> None:
    """Before any extension is loaded: end what a killed program began with them."""
    if (home / INCOMING).is_dir():
        StagingArea(home, InstallRecords(data)).recover()
