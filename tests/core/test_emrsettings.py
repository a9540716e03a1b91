"""DocAssist's own file: only the number that was asked for changes, every other byte stays."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_core.emrsettings import read_values, with_values
from backup_core.errors import SettingInvalid

FIRST_MODEL = b"""{
    "doctor": {"name": "Dr. R\\u00e3o", "clinic": "Sunrise \xe2\x80\x93 Clinic"},
    "preferences": { "backup_frequency_hours" :4,\r\n\t"backup_retention_count": 10, "theme": "dark" },
    "ratio": 1.50, "big": 12345678901234567890, "nothing": null
}
"""
LATER_MODEL = (
    b'{"doctor":{"name":"Dr. Rao"},"backup":{"enabled":true,"backup_frequency_hours":4.0,"max_local_backups":7}}'
)


def test_both_models_of_docassist_are_read() -> None:
    assert read_values(FIRST_MODEL) == {"frequency_hours": 4, "keep": 10}
    assert read_values(LATER_MODEL) == {"frequency_hours": 4.0, "keep": 7}


def test_values_are_told_as_they_are_also_those_that_cannot_be() -> None:
    assert read_values(b'{"preferences": {"backup_frequency_hours": 0}}') == {"frequency_hours": 0}
    assert read_values(b'{"preferences": {"backup_frequency_hours": "often", "backup_retention_count": null}}') == {
        "frequency_hours": "often"
    }


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe{}", b"[" * 100_000])
def test_a_file_that_is_no_json_object_is_an_error_to_read_and_left_alone(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_values(data)
    assert with_values(data, {"frequency_hours": 6}) == data


def test_only_the_numbers_change_in_the_first_model() -> None:
    changed = with_values(FIRST_MODEL, {"frequency_hours": 6, "keep": 12})
    assert changed == FIRST_MODEL.replace(b":4,", b":6,").replace(b": 10,", b": 12,")


def test_only_the_numbers_change_in_the_later_model_and_keep_their_kind() -> None:
    changed = with_values(LATER_MODEL, {"frequency_hours": 6, "keep": 12})
    assert changed == LATER_MODEL.replace(b"4.0", b"6.0").replace(b":7}", b":12}")


@pytest.mark.parametrize(
    "data",
    [
        b'{"doctor": "Dr. Rao"}',
        b'{"preferences": {"theme": "dark"}, "backup": {"enabled": true}}',
        b'{"preferences": null, "backup": [1]}',
        b'{"preferences": {"backup_frequency_hours": null, "backup_retention_count": true}}',
    ],
)
def test_no_key_is_added_and_nothing_but_a_number_replaced(data: bytes) -> None:
    assert with_values(data, {"frequency_hours": 6, "keep": 12}) == data


def test_a_value_that_is_the_same_is_left_as_it_is_written() -> None:
    data = b'{"preferences": {"backup_frequency_hours": 4.00, "backup_retention_count": 1e1}}'
    assert with_values(data, {"frequency_hours": 4, "keep": 10}) == data


def test_a_fraction_is_refused_where_docassist_keeps_a_whole_number() -> None:
    with pytest.raises(SettingInvalid, match="only whole hours") as refusal:
        with_values(FIRST_MODEL, {"frequency_hours": 0.5})
    assert refusal.value.field == "frequency_hours"
    assert with_values(LATER_MODEL, {"frequency_hours": 0.5}) == LATER_MODEL.replace(b"4.0", b"0.5")


def test_a_byte_order_mark_of_windows_stays() -> None:
    data = "\ufeff".encode() + FIRST_MODEL
    assert read_values(data) == {"frequency_hours": 4, "keep": 10}
    assert with_values(data, {"keep": 12}) == data.replace(b": 10,", b": 12,")


def test_where_a_key_stands_twice_the_one_that_counts_is_changed() -> None:
    data = b'{"preferences": {"backup_retention_count": 1, "backup_retention_count": 2}}'
    assert (
        with_values(data, {"keep": 3}) == b'{"preferences": {"backup_retention_count": 1, "backup_retention_count": 3}}'
    )


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
sections = st.dictionaries(
    st.sampled_from(["backup_frequency_hours", "backup_retention_count", "max_local_backups", "theme", "}", ","]),
    anything,
)
documents = st.dictionaries(st.text(), anything).flatmap(
    lambda rest: st.fixed_dictionaries({}, optional={"preferences": sections, "backup": sections}).map(
        lambda ours: rest | ours
    )
)


@given(documents, st.integers(1, 168), st.integers(1, 1000), st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_in_any_file_the_numbers_are_changed_and_all_else_is_the_same(
    document: dict[str, Any], hours: int, keep: int, indent: int | str | None, ascii_only: bool
) -> None:
    data = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode(errors="replace")
    expected = json.loads(data)
    for section, key, value in (
        ("preferences", "backup_frequency_hours", hours),
        ("preferences", "backup_retention_count", keep),
        ("backup", "backup_frequency_hours", hours),
        ("backup", "max_local_backups", keep),
    ):
        there = expected.get(section)
        if isinstance(there, dict) and type(there.get(key)) in (int, float):
            there[key] = value
    assert json.loads(with_values(data, {"frequency_hours": hours, "keep": keep})) == expected
