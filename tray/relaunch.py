"""How the launcher is started again: by its own program, without a console window."""

import sys
from pathlib import Path

from backup_core.children import is_frozen


def launcher(*arguments: str) -> list[str]:
    """Return the command that starts the launcher with `arguments`."""
    if is_frozen():
        return [sys.executable, *arguments]
    python = Path(sys.executable)
    end = ".exe" if sys.platform == "win32" else ""
    script = python.with_name(f"docassist-tray{end}")
    if script.is_file():
        return [str(script), *arguments]
    windowless = python.with_name(f"pythonw{end}")
    return [str(windowless if windowless.is_file() else python), "-m", "tray.app", *arguments]
