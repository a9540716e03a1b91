"""The folders of the EMR: where its program lies, and the variables that tell it where its data is. Pure."""

from collections.abc import Mapping
from pathlib import Path

from backup_core.emrcommand import split


def paths_for(data_dir: Path) -> Mapping[str, str]:
    """Return the environment variables by which the EMR and we mean the same data."""
    paths = {
        "DOCASSIST_DATA_DIR": data_dir,
        "DOCASSIST_DB_PATH": data_dir / "clinic.db",
        "DOCASSIST_CHROMA_DIR": data_dir / "chroma",
        "DOCASSIST_PDF_DIR": data_dir / "prescriptions",
    }
    return {name: str(path.absolute()) for name, path in paths.items()}


def folder_of(command: str) -> str | None:
    """Return the folder of the program itself, or None for our own where the command has no path."""
    program = Path(next(iter(split(command)), ""))
    return str(program.parent) if program.is_absolute() else None
