"""The page in the user's language: Flask-Babel on the one catalogue that page, tray and command line share."""

from flask import Flask
from flask_babel import Babel

from backup_core.text import DOMAIN, language
from webadmin.formats import locale


def install(app: Flask) -> None:
    """Give `_`, `ngettext` and `{% trans %}` to the templates of the application."""
    Babel(
        app,
        default_domain=DOMAIN,
        default_translation_directories=str(language().folder),
        locale_selector=locale,
    )
    app.jinja_env.globals["locale"] = locale
