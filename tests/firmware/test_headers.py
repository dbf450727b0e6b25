# SPDX-License-Identifier: BSD-2-Clause
"""The generated C headers compile and say what the tables say."""

import subprocess

from accel.config import CONFIGS
from accel.registers import OFFSETS, RECORDS_OFFSET
from compiler.binary import HEADER, LAYER, MODEL_ADDRESS
from firmware.headers import write_headers


def test_headers_compile_and_agree_with_the_tables(tmp_path):
    write_headers(CONFIGS["arty-35"], tmp_path)
    layer_words = [name for name, _ in LAYER]
    checks = {
        "sizeof(struct model_header)": 4 * len(HEADER), "sizeof(struct model_layer)": 4 * len(LAYER), "MODEL_ADDRESS": MODEL_ADDRESS,
        "offsetof(struct model_layer, clamp_min)": 4 * layer_words.index("clamp_min"), "ACCEL_CONTROL": OFFSETS.CONTROL,
        "ACCEL_RECORDS": RECORDS_OFFSET, "ACCEL_CONFIG": CONFIGS["arty-35"].hash, "ACCEL_COLUMNS": 16}
    lines = ["#include <stddef.h>", *(f'#include "{path.name}"' for path in sorted(tmp_path.glob("*.h"))),
             *(f'_Static_assert({text} == {value}u, "{text}");' for text, value in checks.items()),
             "_Static_assert((__typeof__(((struct model_layer *)0)->clamp_min))-1 < 0, \"clamp_min is signed\");"]
    (tmp_path / "check.c").write_text("\n".join(lines) + "\n")
    result = subprocess.run(["gcc", "-Wall", "-Werror", "-c", "-o", tmp_path / "check.o", tmp_path / "check.c"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_unchanged_headers_are_left_alone_so_that_nothing_is_compiled_again(tmp_path):
    write_headers(CONFIGS["arty-35"], tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    write_headers(CONFIGS["arty-35"], tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
