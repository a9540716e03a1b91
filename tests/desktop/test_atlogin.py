"""The choice to start at login, as page and menu share it."""

from pathlib import Path

import pytest

from backup_core.errors import BackupError
from tray.atlogin import AtLogin
from tray.autostart import DesktopEntry


class Refusing(DesktopEntry):
    """A place that this user may not read."""

    def is_on(self) -> bool:
        raise BackupError("Starting at login could not be read.")


def test_it_is_turned_on_and_off_with_the_words_of_this_launcher(tmp_path: Path) -> None:
    choice = AtLogin(["--data-dir", "/clinic data", "--at-login"], lambda: DesktopEntry(tmp_path))
    assert choice.is_on() is False

    choice.turn(on=True)

    assert choice.is_on() is True
    assert '"--data-dir" "/clinic data" "--at-login"' in (tmp_path / "docassist-backup.desktop").read_text()
    choice.turn(on=False)
    assert choice.is_on() is False


def test_a_sample_clinic_is_never_started_at_login(tmp_path: Path) -> None:
    choice = AtLogin(None, lambda: DesktopEntry(tmp_path))
    choice.turn(on=True)
    assert choice.is_on() is None
    assert list(tmp_path.iterdir()) == []


def test_where_the_system_does_not_tell_it_is_not_offered(tmp_path: Path) -> None:
    assert AtLogin(["--at-login"], lambda: Refusing(tmp_path)).is_on() is None


def test_what_the_system_refuses_is_an_error_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupError):
        AtLogin(["--at-login"], lambda: DesktopEntry(tmp_path / "file")).turn(on=True)
