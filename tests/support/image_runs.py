# SPDX-License-Identifier: BSD-2-Clause
"""ImageRuns that no simulator made, whose counters add up."""

import random
from types import SimpleNamespace

from accel.registers import RECORD_FIELDS
from firmware.inference import TIME_FIELDS, ImageRun, program_runs

COUNTS = {"load_bytes": 40_000, "weight_bytes": 90_000, "store_bytes": 20_000, "fetch_bytes": 900}


def random_run(seed, layers, idle=()):
    """Return an ImageRun of `layers` layers called layer0, layer1, ...; those with an index in `idle` did no MACs."""
    random_ = random.Random(seed)
    records, end = [], 0
    for i in range(layers):
        record = dict.fromkeys((name for name, _ in RECORD_FIELDS), 0)
        record |= {name: random_.choice((0, 1, random_.randint(2, 5000))) for name in TIME_FIELDS}
        record["busy"] += 1
        record |= {name: random_.randint(1, most) for name, most in COUNTS.items()}
        record["macs"] = 0 if i in idle else random_.randint(1, 128 * record["busy"])
        end += sum(record[name] for name in TIME_FIELDS)
        records.append(list({**record, "end": end}.values()))
    compiled = [SimpleNamespace(name=f"layer{i}", op="conv2d", macs=128 * end, cycles_predicted=None, pruning=None) for i in range(layers)]
    cycles = end + random_.randint(0, 99)
    return ImageRun(cycles, cycles + 5000, tuple(program_runs(compiled, records, cycles)), None, ())
