# SPDX-License-Identifier: BSD-2-Clause
"""The register table: the core's Wishbone slave, the C header, the documentation and the test harness are made from it."""

from dataclasses import dataclass
from types import SimpleNamespace

IDENTIFICATION = 0x53504152  # "SPAR"
REGION_BYTES = 0x4000
ACCELERATOR_BASE = 0x9000_0000  # where our SoCs put the region; the core itself does not know
RECORDS_OFFSET = 0x1000
RECORDS = 64
RECORD_WORDS = 16
# The run-time filter mask: one 32-bit word an output plane, bit c for its channel c; all bits are set at power-on. Writes during a job are ignored.
FILTERS_OFFSET = 0x2000
FILTER_WORDS = 1024


@dataclass(frozen=True)
class Register:
    """A 32-bit register at byte `offset`; access is "ro" or "rw"."""

    name: str
    offset: int
    access: str
    meaning: str


_NAMES = (
    ("ID", "ro", "always IDENTIFICATION"),
    ("ISA_VERSION", "ro", "version of the instruction set"),
    ("CONFIG_HASH", "ro", "hash of the configuration"),
    ("CONTROL", "rw", "write bit 0: doorbell, start a job (ignored while busy); bit 1: acknowledge, clears done, error and the interrupt"),
    ("STATUS", "ro", "bit 0: busy; bit 1: done; bit 2: stopped by an error"),
    ("ERROR", "ro", "error code of the last job, see ERRORS"),
    ("POSITION", "ro", "index of the instruction that raised the error"),
    ("PROGRAM", "rw", "byte address of the program, a multiple of 16"),
    ("LENGTH", "rw", "instructions of the program, at most 65,535"),
    ("READ_BASE", "rw", "first byte that the core may read"),
    ("READ_LIMIT", "rw", "first byte after what the core may read"),
    ("WRITE_BASE", "rw", "first byte that the core may write"),
    ("WRITE_LIMIT", "rw", "first byte after what the core may write"),
    ("CYCLES", "ro", "cycles of the running or last job, doorbell to done"),
    ("DETAIL", "ro", "what the error was about: the address, version or hash that did not fit"),
)
REGISTERS = tuple(Register(name, 4 * i, access, meaning) for i, (name, access, meaning) in enumerate(_NAMES))
OFFSETS = SimpleNamespace(**{register.name: register.offset for register in REGISTERS})

STATUS_BUSY, STATUS_DONE, STATUS_ERROR = 1, 2, 4
CONTROL_START, CONTROL_ACKNOWLEDGE = 1, 2

# Words of the two tables of an addition: int32 for each byte of a convolution's output, then for each byte of the operand.
TABLE_WORDS = 512

# Error code -> (name, sentence).
ERRORS = {
    0: ("NONE", "no error"),
    1: ("BAD_OPCODE", "the opcode is not in the instruction table"),
    2: ("BAD_VERSION", "the program was compiled for another version of the instruction set"),
    3: ("BAD_CONFIG", "the program was compiled for another configuration"),
    4: ("NO_BEGIN", "the program does not start with BEGIN, runs past its length without END, or is longer than 65,535 instructions"),
    5: ("BAD_FIELD", "a field is outside its legal range"),
    6: ("READ_WINDOW", "a read lies outside the read window"),
    7: ("WRITE_WINDOW", "a write lies outside the write window"),
    8: ("BUFFER", "a load, tile or copy reaches beyond the activation buffer"),
    9: ("BUS_READ", "the memory answered a read with an error"),
    10: ("BUS_WRITE", "the memory answered a write with an error"),
    11: ("DEADLOCK", "no engine can go on: a semaphore is never given, or a stream has too few beats"),
    12: ("LEFTOVER", "END was reached with beats left in the weight, operand or output FIFO"),
}
ERROR_CODES = SimpleNamespace(**{name: code for code, (name, _) in ERRORS.items()})

# Words of a layer's record in the RECORDS window. The counters of one layer; `end` is the job's cycle at which it ended.
RECORD_FIELDS = (
    ("end", "cycle of the job at which the compute engine finished the layer"),
    ("busy", "cycles in which the grid or the pool took a pixel"),
    ("stall_fetch", "cycles without an instruction for the compute engine"),
    ("stall_weights", "cycles in which the next step waited for the weight stream"),
    ("stall_activations", "cycles in which the compute engine waited for a semaphore"),
    ("stall_drain", "cycles in which both banks of partial sums were taken and the requantiser was at work"),
    ("stall_store", "the same, while the output FIFO was full or the operand of an addition was missing"),
    ("stall_sync", "other cycles: set-up, the end of a layer, steps shorter than their weight set"),
    ("macs", "products of a stored weight and an activation"),
    ("load_bytes", "bytes read by the load engine"),
    ("weight_bytes", "bytes read by the weight engine"),
    ("store_bytes", "bytes written by the store engine"),
    ("checksum", "checksum of the beats that the store engine wrote"),
    ("fetch_bytes", "bytes of instructions read"),
    ("edges", "low half: cycles before the layer's first busy one, high half: after its last one (all where none is busy); each modulo 2^16"),
)
RECORD_INDEX = SimpleNamespace(**{name: i for i, (name, _) in enumerate(RECORD_FIELDS)})
