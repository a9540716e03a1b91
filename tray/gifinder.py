"""Makes `gi`, through which Python uses GTK, importable where only the distribution has it.

A virtual environment does not see the distribution's packages, and building `gi` anew needs a compiler. But its binary
part fits every Python of the same version: on Debian 12 the system's Python and the environment's are both 3.11.
"""

import importlib.util
import sys
import sysconfig
from pathlib import Path

_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"

#: Where distributions keep packages: Debian and Ubuntu, Fedora and openSUSE, Arch.
FOLDERS = tuple(
    Path(folder)
    for folder in (
        "/usr/lib/python3/dist-packages",
        f"/usr/lib64/{_VERSION}/site-packages",
        f"/usr/lib/{_VERSION}/site-packages",
    )
)


def find_gi(folders: tuple[Path, ...] = FOLDERS) -> bool:
    """Make `import gi` work and return True, or return False where no `gi` for this Python is installed.

    Only `gi` is taken from the distribution's folder: nothing else there may hide a package of this environment.
    """
    if "gi" in sys.modules or importlib.util.find_spec("gi"):
        return True
    for folder in folders:
        package = folder / "gi"
        # The name carries Python's version and the machine: another one's would crash or not load.
        if (package / f"_gi{sysconfig.get_config_var('EXT_SUFFIX')}").is_file():
            return _load(package)
    return False


def _load(package: Path) -> bool:
    spec = importlib.util.spec_from_file_location(
        "gi", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    if spec is None or spec.loader is None:
        return False
    module = importlib.util.module_from_spec(spec)
    sys.modules["gi"] = module
    try:
        spec.loader.exec_module(module)
    except ImportError:
        del sys.modules["gi"]
        return False
    return True
