# SPDX-License-Identifier: BSD-2-Clause
"""C headers made from the tables: accelerator registers, configuration, the model binary's structures, the frames of the UART, the board."""

from accel.registers import (
    CONTROL_ACKNOWLEDGE, CONTROL_START, ERRORS, FILTER_WORDS, FILTERS_OFFSET, IDENTIFICATION, RECORD_FIELDS, RECORD_WORDS, RECORDS,
    RECORDS_OFFSET, REGISTERS, STATUS_BUSY, STATUS_DONE, STATUS_ERROR)
from accel import isa
from compiler.binary import HEADER, LAYER, MAGIC, MOST_STEPS, NAME_BYTES, STEP, VERSION
from compiler.memory_map import MODEL_ADDRESS
from compiler.numbers import Rounding
from firmware import frames, package
from firmware.built_for import BuiltFor

_SIGNED = ("clamp_min", "clamp_max", "input_zero", "output_zero")


def _define(name, value):
    return f"#define {name} 0x{value:x}u"


def _header(guard, lines):
    comments = ["/* SPDX-License-Identifier: BSD-2-Clause */", "/* Generated: change the tables, not this file. */"]
    return "\n".join([*comments, f"#ifndef {guard}", f"#define {guard}", "", *lines, "", "#endif", ""])


def registers_header():
    """Return the text of accel_registers.h: offsets, bits, records and error names of the core's Wishbone slave."""
    lines = [_define(f"ACCEL_{register.name}", register.offset) for register in REGISTERS]
    lines += [_define("ACCEL_IDENTIFICATION", IDENTIFICATION), _define("ACCEL_INSTRUCTION_SET", isa.ISA_VERSION),
              _define("ACCEL_CONTROL_START", CONTROL_START), _define("ACCEL_CONTROL_ACKNOWLEDGE", CONTROL_ACKNOWLEDGE),
              _define("ACCEL_STATUS_BUSY", STATUS_BUSY), _define("ACCEL_STATUS_DONE", STATUS_DONE), _define("ACCEL_STATUS_ERROR", STATUS_ERROR),
              _define("ACCEL_RECORDS", RECORDS_OFFSET), _define("ACCEL_RECORD_COUNT", RECORDS), _define("ACCEL_RECORD_WORDS", RECORD_WORDS),
              _define("ACCEL_RECORD_FIELDS", len(RECORD_FIELDS)), _define("ACCEL_FILTERS", FILTERS_OFFSET),
              _define("ACCEL_FILTER_WORDS", FILTER_WORDS)]
    lines += [_define(f"ACCEL_ERROR_{name}", code) for code, (name, _) in ERRORS.items()]
    return _header("ACCEL_REGISTERS_H", lines)


def config_header(config):
    """Return the text of accel_config.h: what the CPU's kernels must know of the AccelConfig to read tensors and weight streams."""
    return _header("ACCEL_CONFIG_H", [
        _define("ACCEL_CONFIG", config.hash), _define("ACCEL_COLUMNS", config.columns), _define("ACCEL_CLUSTERS", config.clusters),
        _define("ACCEL_BLOCK_CHANNELS", config.block_channels), _define("ACCEL_MASKS_PER_HEADER", config.masks_per_header),
        _define("ACCEL_HEADER_BYTES", config.beat_bytes)])


def model_header():
    """Return the text of model_format.h: the structures of the model binary."""
    lines = ["#include <stdint.h>", "", _define("MODEL_ADDRESS", MODEL_ADDRESS), _define("MODEL_MAGIC", MAGIC), _define("MODEL_VERSION", VERSION),
             _define("MODEL_NAME_BYTES", NAME_BYTES), _define("MODEL_MOST_STEPS", MOST_STEPS), ""]
    lines += [_define(f"MODEL_ROUNDING_{rounding.name}", rounding) for rounding in Rounding]
    for structure, table in (("model_header", HEADER), ("model_step", STEP), ("model_layer", LAYER)):
        lines += ["", f"struct {structure} {{"]
        lines += [f"\t{'int32_t' if name in _SIGNED else 'uint32_t'} {name}; /* {meaning} */" for name, meaning in table]
        lines.append("};")
    return _header("MODEL_FORMAT_H", lines)


def frames_header():
    """Return the text of frame_format.h: kinds and sizes of the frames between host and firmware, and the words of their answers."""
    names = ("PROTOCOL", "START", "ESCAPE", "FLIP", "MOST_PAYLOAD")
    lines = ["#include <stdint.h>", "", *(_define(f"FRAME_{name}", getattr(frames, name)) for name in names), _define("FRAME_ENQ", frames.ENQ), ""]
    for name, (kind, words, more, meaning) in frames.REQUESTS.items():
        lines += [f"/* {meaning} */", _define(f"FRAME_{name}", kind), _define(f"FRAME_{name}_LEAST", 4 * len(words)),
                  _define(f"FRAME_{name}_MOST", frames.MOST_PAYLOAD if more else 4 * len(words))]
    lines += ["", *(_define(f"FRAME_{name}", kind) for name, kind in frames.ANSWERS.items()),
              "", *(_define(f"FRAME_TABLE_{name}", number) for name, number in frames.TABLES.items())]
    for structure, table in (("frame_identity", frames.IDENTITY), ("frame_result", frames.RESULT)):
        lines += ["", f"struct {structure} {{", *(f"\tuint32_t {name}; /* {meaning} */" for name, meaning in table), "};"]
    return _header("FRAME_FORMAT_H", lines)


def board_header(built_for):
    """Return the text of board.h: what the firmware must know of what it is built for, a BuiltFor."""
    return _header("BOARD_H", [_define("BOARD_CLOCK_HZ", built_for.clock_hz), _define("BOARD_BAUD", built_for.baud),
                               _define("BOARD_PACKAGE", built_for.package)])


def package_header():
    """Return the text of package_format.h: what a board finds in its flash."""
    return _header("PACKAGE_FORMAT_H", [
        "#include <stdint.h>", "", _define("PACKAGE_MAGIC", package.MAGIC), _define("PACKAGE_VERSION", package.VERSION),
        _define("PACKAGE_LABEL_BYTES", package.LABEL_BYTES), "", "struct package_header {",
        *(f"\tuint32_t {name}; /* {meaning} */" for name, meaning in package.HEADER), "};"])


def write_headers(config, directory, built_for=BuiltFor()):
    """Write the six headers to `directory` (pathlib.Path), leaving files whose text has not changed alone."""
    directory.mkdir(parents=True, exist_ok=True)
    headers = {"accel_registers.h": registers_header(), "accel_config.h": config_header(config), "model_format.h": model_header(),
               "frame_format.h": frames_header(), "board.h": board_header(built_for), "package_format.h": package_header()}
    for name, text in headers.items():
        path = directory / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
