"""The command line of the launcher."""

from dataclasses import replace
from pathlib import Path

import pytest

from tray.options import Options, at_login, parse


def test_without_options_nothing_is_said() -> None:
    assert parse([]) == Options()


def test_every_option_reaches_the_launcher(tmp_path: Path) -> None:
    words = ["--data-dir", "data", "--backup-dir", "b", "--port", "4711", "--no-icon", "--no-browser"]
    assert parse([*words, "--emr", "emr --now", "--emr-dir", str(tmp_path)]) == Options(
        data_dir=Path("data"),
        backup_dir=Path("b"),
        port=4711,
        icon=False,
        browser=False,
        emr="emr --now",
        emr_dir=str(tmp_path),
    )
    assert parse(["--demo"]).demo


def test_a_start_at_login_is_like_the_start_by_hand_but_opens_neither_page_nor_docassist(tmp_path: Path) -> None:
    by_hand = Options(
        backup_dir=tmp_path / "b", port=4711, emr='"/opt/an emr/run" --fast', emr_dir=str(tmp_path), icon=True
    )
    assert parse(at_login(by_hand, tmp_path)) == replace(by_hand, data_dir=tmp_path, browser=False, at_login=True)
    assert parse(at_login(Options(), tmp_path)) == Options(data_dir=tmp_path, browser=False, at_login=True)


@pytest.mark.parametrize(
    "words",
    [
        ["--port", "many"],
        ["--emr-dir", "/nowhere/at all"],
        ["--demo", "--emr", "emr"],
        ["--unknown"],
        ["create"],
    ],
)
def test_a_faulty_command_line_ends_with_status_2_and_a_sentence(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(words)
    assert ended.value.code == 2
    assert "docassist-tray: error:" in capsys.readouterr().err
