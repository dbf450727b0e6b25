/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ACCELERATOR_H
#define ACCELERATOR_H

#include <stdint.h>

#include "accel_registers.h"
#include "model_format.h"

/* What a job came to. `error` is an ACCEL_ERROR_*; `cycles` counts from the doorbell, rung at `doorbell` by the clock, to done. */
struct accel_result {
	uint32_t error, position, detail, cycles;
	uint64_t doorbell;
};

/* Attach the interrupt and turn every filter on. Call once, before accel_run. */
void accel_init(void);

/* Return NULL when `model` is a model binary for this accelerator, else a sentence that says what does not fit. */
const char *accel_refuses(const struct model_header *model);

/* Run a program of a model, one of its steps, and wait for its end. Caches must have been written back (accel_sync_for_device). */
void accel_run(const struct model_header *model, const struct model_step *step, struct accel_result *result);

/* Set word `plane` of the run-time filter mask: bit c turns channel c of that output plane on. It holds until it is set again. */
void accel_set_filters(unsigned plane, uint32_t mask);

/* Word `field` of layer record `index` of the last job. */
uint32_t accel_record(unsigned index, unsigned field);

/* Make what the CPU wrote visible to the accelerator. */
void accel_sync_for_device(void);

/* Make what the accelerator wrote visible to the CPU. */
void accel_sync_for_cpu(void);

#endif
