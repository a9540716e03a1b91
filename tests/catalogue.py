"""The catalogue of all messages: `python -m tests.catalogue` writes it anew; the tests ask that it is whole."""

from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from backup_core.text import DOMAIN, FOLDER

ROOT = Path(__file__).parents[1]
TEMPLATE = FOLDER / f"{DOMAIN}.pot"

_METHODS = [("**.py", "python"), ("**.html", "jinja2")]
_OPTIONS = {"**.html": {"trimmed": "true", "silent": "false"}}
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "_n": (1, 2), "N_n": (1, 2), "ngettext": (1, 2)}
#: The product; the words of its tests are nobody's.
_FOLDERS = ("backup_core", "templates", "tray", "webadmin")


def extracted() -> Catalog:
    """Return every message of the code and of the templates, in the order of its text."""
    catalogue = Catalog(project="DocAssist Backup", fuzzy=False)
    for folder in _FOLDERS:
        for path, _line, message, comments, context in extract_from_dir(
            ROOT / folder, _METHODS, _OPTIONS, _KEYWORDS, ("Translators:",), strip_comment_tags=True
        ):
            where = f"{folder}/{Path(path).as_posix()}"
            catalogue.add(message, locations=[(where, 0)], auto_comments=comments, context=context)
    return catalogue


def committed() -> Catalog:
    """Return the catalogue that translators get."""
    with TEMPLATE.open("rb") as file:
        return read_po(file)


def main() -> None:
    """Write the catalogue, without dates and line numbers: it changes when a message does."""
    written = BytesIO()
    write_po(written, extracted(), width=120, omit_header=True, sort_output=True, include_lineno=False)
    TEMPLATE.parent.mkdir(exist_ok=True)
    TEMPLATE.write_bytes(
        b'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n' + written.getvalue().lstrip()
    )


if __name__ == "__main__":
    main()
