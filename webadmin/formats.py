"""Numbers, dates and times as the user's language writes them: the one place for it. Pure."""

from datetime import datetime

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import format_decimal

from backup_core.text import ENGLISH, _, language


def locale() -> Locale:
    """Return the locale of the language in use; English is written as most of the world writes it: 2 Jan, 10:30 am."""
    code = language().code
    return Locale(ENGLISH, "GB") if code == ENGLISH else Locale.parse(code)


def number(value: float, *, decimals: int = 0) -> str:
    """Return 1284 as "1,284"."""
    pattern = "#,##0." + "0" * decimals if decimals else "#,##0"
    return str(format_decimal(round(value, decimals), pattern, locale=locale()))


def clock_time(local: datetime) -> str:
    """Return the time of day: "9:05 pm"."""
    # Translators: how a time of day is written, in the letters of Unicode's date patterns (CLDR).
    return format_datetime(local, _("h:mm a"), locale=locale())


def day(local: datetime) -> str:
    """Return the date: "2 Jan 2026"."""
    # Translators: how a date is written, in the letters of Unicode's date patterns (CLDR).
    return format_datetime(local, _("d MMM y"), locale=locale())


def day_of_year(local: datetime) -> str:
    """Return the date without its year: "2 Jan"."""
    # Translators: how a date without its year is written, in the letters of Unicode's date patterns (CLDR).
    return format_datetime(local, _("d MMM"), locale=locale())
