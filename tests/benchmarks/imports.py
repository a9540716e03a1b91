"""What the parts of the product import before they have done anything: `python -X importtime`, module by module."""

import re
import subprocess
import sys

#: What belongs to one room, one process or one moment only, and must not be paid by everybody at the start.
HEAVY = ("chromadb", "numpy", "PIL", "pystray", "pydantic", "onnxruntime", "playwright")
STARTS = {
    "the engine": "backup_core",
    "the EMR's door to it": "backup_core.service",
    "the command line": "backup_core.cli",
    "the launcher": "tray.app",
    "the icon, before it opens the display": "tray.icon",
}
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|\s+(\S+)")


def imports() -> str:
    """Return a section: milliseconds, the modules that take most of it, and the heavy ones among them."""
    lines = [
        "## What is imported at the start\n",
        "| | all | the slowest, each without what it imports | heavy libraries |",
        "|---|---|---|---|",
    ]
    for name, module in STARTS.items():
        own = _own_times(module)
        slowest = sorted(own, key=own.__getitem__, reverse=True)[:4]
        heavy = sorted({found.partition(".")[0] for found in own} & set(HEAVY))
        listed = ", ".join(f"{one} {own[one] / 1000:.0f} ms" for one in slowest)
        lines.append(f"| {name} | {sum(own.values()) / 1000:.0f} ms | {listed} | {', '.join(heavy) or 'none'} |")
    return "\n".join([*lines, ""])


def _own_times(module: str) -> dict[str, int]:
    """Return the microseconds that each module took by itself; the interpreter's own are left out."""
    command = [sys.executable, "-X", "importtime", "-c"]
    told = [
        subprocess.run([*command, code], capture_output=True, text=True, check=True).stderr
        for code in ("pass", f"import {module}")
    ]
    before, after = ({name: int(own) for own, _all, name in _LINE.findall(text)} for text in told)
    return {name: own for name, own in after.items() if name not in before}
