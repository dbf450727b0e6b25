/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STEPS_H
#define STEPS_H

#include <stdint.h>

#include "accelerator.h"
#include "model_format.h"

/* What a run came to. `accel` is that of the last program which ran, number `step` of the steps. `cycles` are those from the first doorbell to the
 * last done, the CPU's layers in between included; `end_to_end` those from the image in DRAM to the answer in DRAM. */
struct run_result {
	struct accel_result accel;
	uint32_t step, cycles, end_to_end;
};

/* Cycles of each step of the last run: a program's from doorbell to done; a layer's from the end of the step before to its own end, caches included.
 * The ends of steps are the doorbell of the program behind them, where there is one. */
extern uint32_t step_cycles[MODEL_MOST_STEPS];

/* Return NULL where this firmware can run `model`, else a sentence that says what it lacks; `all`: with the CPU's kernels alone. */
const char *steps_refused(const struct model_header *model, int all);

/* The checksum of what step `index` of a model wrote, 0 where it is a program: its layers' are in their records. */
uint32_t step_checksum(const struct model_header *model, unsigned index);

/* Run step `index` alone; `cycles` are the step's. What the steps before it wrote must be there. */
void run_step(const struct model_header *model, unsigned index, struct run_result *result);

/* Run all steps of a model that is not refused; an error of the accelerator ends the run. */
void run_steps(const struct model_header *model, struct run_result *result);

#endif
