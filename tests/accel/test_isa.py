# SPDX-License-Identifier: BSD-2-Clause
"""The instruction table encodes and decodes every field over its whole range."""

import pytest

from accel import isa

FIELDS = [(row.name, field) for row in isa.TABLE for field in row.fields]


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=lambda value: getattr(value, "name", value))
def test_a_field_survives_at_its_minimum_and_maximum(name, field):
    for value in (field.minimum, field.maximum):
        decoded_name, values = isa.decode(isa.encode(name, **{field.name: value}))
        assert decoded_name == name
        assert values == {other: 0 for other in values} | {field.name: value}


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=lambda value: getattr(value, "name", value))
def test_a_value_outside_the_range_is_refused_by_name(name, field):
    with pytest.raises(ValueError, match=f"{name}: {field.name}"):
        isa.encode(name, **{field.name: field.maximum + 1})


def test_opcodes_are_unique_and_not_zero():
    opcodes = [row.opcode for row in isa.TABLE]
    assert len(set(opcodes)) == len(opcodes) and 0 not in opcodes


def test_bytes_round_trip():
    words = [isa.encode(row.name) for row in isa.TABLE]
    assert isa.from_bytes(isa.to_bytes(words)) == words
