"""The launcher, with the names of its threads told to the kernel, which counts how often each wakes up.

`python -m tests.benchmarks.named OPTIONS` takes the launcher's options.
"""

import sys
import threading
from pathlib import Path
from types import FrameType

from tray.app import main


def _tell_name(_frame: FrameType, _event: str, _argument: object) -> None:
    """Name the thread that this is called in, before it does anything else."""
    sys.setprofile(None)
    Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(threading.current_thread().name)


if __name__ == "__main__":
    threading.setprofile(_tell_name)
    raise SystemExit(main())
