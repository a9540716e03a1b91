"""Build both programs into one folder for the system this runs on, and try them: `python packaging/build.py`.

What is built lies in `dist/docassist-backup`. It needs Python 3.11 or newer and a network, and takes a minute or two.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import tryout

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "frozen"
BUILT = ROOT / "dist" / "docassist-backup"


def main() -> int:
    """Build, try, and say how large the folder is and how long it took; return 0."""
    began = time.monotonic()
    python = _environment()
    subprocess.run(
        [
            *(python, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"),
            *("--distpath", BUILT.parent, "--workpath", WORK / "work", ROOT / "packaging" / "docassist-backup.spec"),
        ],
        check=True,
    )
    took = time.monotonic() - began
    size = sum(path.stat().st_size for path in BUILT.rglob("*") if path.is_file() and not path.is_symlink())
    sys.stdout.write(f"Built {BUILT}: {size / 1e6:.0f} MB in {took:.0f} s\n")
    sys.stdout.flush()
    tryout.try_out(BUILT, WORK / "tried")
    archive = shutil.make_archive(str(BUILT), "zip", BUILT.parent, BUILT.name)
    sys.stdout.write(f"Packed {archive}: {Path(archive).stat().st_size / 1e6:.0f} MB\n")
    return 0


def _environment() -> Path:
    """Return the Python of an environment of its own, with this checkout and PyInstaller in it."""
    folder = WORK / "venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--upgrade", "pip>=25.1"], check=True)
    install = [python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt"]
    subprocess.run([*install, "--force-reinstall", "--no-deps", ROOT], check=True)
    subprocess.run([*install, ROOT, "--group", f"{ROOT / 'pyproject.toml'}:package"], check=True)
    return python


if __name__ == "__main__":
    sys.exit(main())
