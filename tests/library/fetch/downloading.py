"""Downloads of a server process of its own, which the tests kill. Prints what happens, a line each."""

import sys
import time
from pathlib import Path

from webui.core.flags import read_flags
from webui.library.fetch.sites import Sites
from webui.main import build_services


def main() -> None:
    """folder, address of the sites, link: begin it (or, without a link, go on) and tell until it is done."""
    folder, address, *links = sys.argv[1:]
    host = address.removeprefix("http://")
    trusted = frozenset({host, host.replace("127.0.0.1", "localhost")})
    sites = Sites(civitai=address, huggingface=address, trusted=trusted)
    services = build_services(read_flags(["--data-dir", folder])[0], Path(folder), sites)
    services.library.start()
    for link in links:
        services.library.downloads.add(link)
    while True:
        for download in services.library.downloads.all():
            sys.stdout.write(f"{download.state} {download.received} {download.message}\n")
            sys.stdout.flush()
            if download.state in ("done", "failed"):
                sys.exit(0)
        time.sleep(0.02)


if __name__ == "__main__":
    main()
