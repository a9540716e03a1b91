"""The EMR's command line, taken apart, and the variables that tell the EMR where its data is. Pure."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path


def paths_for(data_dir: Path) -> Mapping[str, str]:
    """Return the environment variables by which the EMR and we mean the same data."""
    paths = {
        "DOCASSIST_DATA_DIR": data_dir,
        "DOCASSIST_DB_PATH": data_dir / "clinic.db",
        "DOCASSIST_CHROMA_DIR": data_dir / "chroma",
        "DOCASSIST_PDF_DIR": data_dir / "prescriptions",
    }
    return {name: str(path.absolute()) for name, path in paths.items()}


def split(command: str) -> list[str]:
    """Return the words of a command line, or none where its quotes do not match."""
    try:
        if sys.platform == "win32":
            return [word.strip('"') for word in shlex.split(command, posix=False)]
        return shlex.split(command)
    except ValueError:
        return []


def folder_of(command: str) -> str | None:
    """Return the folder of the program itself, or None for our own where the command has no path."""
    program = Path(next(iter(split(command)), ""))
    return str(program.parent) if program.is_absolute() else None
