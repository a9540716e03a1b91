"""How this Linux distribution calls the packages that the icon needs."""

import platform

_DEBIAN = "python3-gi gir1.2-gtk-3.0 gir1.2-ayatanaappindicator3-0.1"
#: By the distribution's id, or by the one that it is like (os-release).
_ICON = {
    "debian": _DEBIAN,
    "ubuntu": _DEBIAN,
    "fedora": "python3-gobject gtk3 libayatana-appindicator-gtk3",
    "arch": "python-gobject gtk3 libayatana-appindicator",
    "suse": "python3-gobject typelib-1_0-Gtk-3_0 typelib-1_0-AyatanaAppIndicator3-0_1",
}


def icon_packages() -> str:
    """Return the names of the packages, as they are typed in one command; Debian's where this one is not known."""
    try:
        told = platform.freedesktop_os_release()
    except OSError:
        return _DEBIAN
    names = (told.get("ID", ""), *told.get("ID_LIKE", "").split())
    return next((_ICON[name] for name in names if name in _ICON), _DEBIAN)
