"""Debian packages as data: downloaded and unpacked, never installed."""

import subprocess
from pathlib import Path


def unpacked(package: str, folder: Path, downloads: Path) -> Path:
    """The folder `folder/package` with the package's files; downloads and unpacks it where it is missing.

    Raises `OSError` or `subprocess.CalledProcessError` where apt or dpkg cannot do it.
    """
    target = folder / package
    if not target.exists():
        downloads.mkdir(parents=True, exist_ok=True)
        if not list(downloads.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "download", package], cwd=downloads, check=True, stdout=subprocess.DEVNULL)
        partial = target.with_suffix(".part")
        partial.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", next(downloads.glob(f"{package}_*.deb")), partial], check=True)
        partial.rename(target)
    return target
