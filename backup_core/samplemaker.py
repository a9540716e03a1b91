"""A process of its own that makes the sample clinic in DOCASSIST_DATA_DIR, unless there is one."""

import os
from pathlib import Path


def main() -> int:
    """Make the clinic whole or not at all, and return 0."""
    data_dir = Path(os.environ["DOCASSIST_DATA_DIR"])
    if not (data_dir / "clinic.db").exists():
        # Only now: it costs a second, and the second start of a demo finds its clinic made.
        from .sample import SampleClinic

        clinic = SampleClinic(data_dir)
        clinic.create()
        clinic.write_settings()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
