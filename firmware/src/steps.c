/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a model step by step: programs of the accelerator, and layers of the CPU between them. */

#include "steps.h"

#include <stddef.h>
#include <stdio.h>

#include "clock.h"
#include "kernels.h"

uint32_t step_cycles[MODEL_MOST_STEPS];

static const struct model_layer *layers_of(const struct model_header *model)
{
	return (const struct model_layer *)model->table;
}

static const struct model_step *steps_of(const struct model_header *model)
{
	return (const struct model_step *)model->step_table;
}

/* Return NULL where there is a kernel for `layer`, else a sentence with its name. */
static const char *kernel_refused(const struct model_header *model, const struct model_layer *layer)
{
	static char sentence[100];

	if (kernel_named(kernel_name(model, layer)))
		return NULL;
	snprintf(sentence, sizeof(sentence), "this firmware lacks the kernel '%.*s', which the model needs: build the firmware again",
		(int)MODEL_NAME_BYTES, kernel_name(model, layer));
	return sentence;
}

const char *steps_refused(const struct model_header *model, int all)
{
	const struct model_step *steps = steps_of(model);
	const char *refusal = NULL;

	if (all && !model->complete)
		return "the model was built without the CPU's weights: build it with --cpu";
	if (model->steps > MODEL_MOST_STEPS)
		return "the model has more steps than this firmware can run: leave out layers that the CPU computes";
	for (unsigned i = 0; all && i < model->layers && !refusal; i++)
		refusal = kernel_refused(model, &layers_of(model)[i]);
	for (unsigned i = 0; i < model->steps && !refusal; i++)
		if (!steps[i].program)
			refusal = kernel_refused(model, &layers_of(model)[steps[i].layer]);
	return refusal;
}

uint32_t step_checksum(const struct model_header *model, unsigned index)
{
	const struct model_step *step = &steps_of(model)[index];

	return step->program ? 0 : output_checksum(&layers_of(model)[step->layer]);
}

void run_step(const struct model_header *model, unsigned index, struct run_result *result)
{
	const struct model_step *step = &steps_of(model)[index];
	uint64_t start = now();

	*result = (struct run_result){.step = index};
	if (step->program) {
		accel_sync_for_device();
		accel_run(model, step, &result->accel);
		accel_sync_for_cpu();
		result->cycles = result->accel.cycles;
	} else {
		run_layer(model, &layers_of(model)[step->layer]);
		result->cycles = now() - start;
	}
	step_cycles[index] = result->cycles;
	result->end_to_end = now() - start;
}

void run_steps(const struct model_header *model, struct run_result *result)
{
	const struct model_step *steps = steps_of(model);
	uint64_t start = now(), end = start, first = 0;
	int programs = 0, synced = 0;

	for (unsigned i = 0; i < model->steps; i++) {
		if (!steps[i].program) {
			if (programs && !synced)
				accel_sync_for_cpu();
			synced = 1;
			run_layer(model, &layers_of(model)[steps[i].layer]);
			step_cycles[i] = now() - end;
			end += step_cycles[i];
			continue;
		}
		accel_sync_for_device();
		accel_run(model, &steps[i], &result->accel);
		result->step = i;
		/* The layer before ends with this doorbell. */
		if (i)
			step_cycles[i - 1] += result->accel.doorbell - end;
		if (!programs++)
			first = result->accel.doorbell;
		step_cycles[i] = result->accel.cycles;
		end = result->accel.doorbell + result->accel.cycles;
		result->cycles = end - first;
		synced = 0;
		if (result->accel.error)
			break;
	}
	if (!synced)
		accel_sync_for_cpu();
	result->end_to_end = now() - start;
}
