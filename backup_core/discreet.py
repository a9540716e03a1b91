"""What may be read by others than the clinic says nothing of patients: their files are often named after them."""

import re
import threading

_guard = threading.Lock()
#: The folders whose files are named after patients: DocAssist's own, and those that the user has added.
_folders = {"prescriptions"}


def hide_below(folder: str) -> None:
    """Let `discreet` hide what stands behind the name of this folder too; its path is separated by `/`."""
    with _guard:
        _folders.add(folder)


def discreet(text: str) -> str:
    """Return a text in which no line goes on behind the name of such a folder: a name may hold any sign there is."""
    with _guard:
        folders = sorted(_folders)
    names = "|".join(r"[/\\]+".join(map(re.escape, folder.split("/"))) for folder in folders)
    return re.sub(rf"(?i)(?<![\w-])({names})[/\\].*", r"\1/…", text)
