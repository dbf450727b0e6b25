# SPDX-License-Identifier: BSD-2-Clause
"""The generated pages are those that the tables give."""

import xml.etree.ElementTree as ElementTree

import pytest

from accel.pages import DOCS, PAGES, svd
from accel.registers import FILTERS_OFFSET, REGISTERS


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name):
    assert (DOCS / name).read_text() == PAGES[name](), "run `python -m accel.pages`"


def test_the_svd_names_every_register_at_its_offset():
    found = {register.findtext("name"): int(register.findtext("addressOffset"), 16)
             for register in ElementTree.fromstring(svd()).iterfind(".//registers/register")}
    assert found == {register.name: register.offset for register in REGISTERS} | {"FILTERS[%s]": FILTERS_OFFSET}
