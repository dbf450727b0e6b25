/* SPDX-License-Identifier: BSD-2-Clause */
/* Which kernels this firmware has, and how a layer is run by its own. */

#include <string.h>

#include "kernels.h"

static const struct {
	const char *name;
	kernel *run;
} known[] = {
	{"add", add},
	{"average_pool2d", average_pool2d},
	{"conv2d", conv2d},
	{"lookup", lookup},
	{"max_pool2d", max_pool2d},
	{"softmax", softmax},
	{"sums", sums},
};

kernel *kernel_named(const char *name)
{
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strncmp(known[i].name, name, MODEL_NAME_BYTES))
			return known[i].run;
	return 0;
}

const char *kernel_name(const struct model_header *model, const struct model_layer *layer)
{
	return (const char *)model->kernel_names + MODEL_NAME_BYTES * layer->kernel;
}

void run_layer(const struct model_header *model, const struct model_layer *layer)
{
	/* As the accelerator's, an output holds zeros where a plane has no channel. */
	if (layer->output_channels % ACCEL_COLUMNS)
		memset((void *)layer->output, 0, layer->output_bytes);
	kernel_named(kernel_name(model, layer))(layer);
}

uint32_t output_checksum(const struct model_layer *layer)
{
	const uint32_t *word = (const uint32_t *)layer->output;
	uint32_t total = 0;

	for (uint32_t i = 0; i < layer->output_bytes / 4; i++) {
		unsigned place = i % (ACCEL_COLUMNS / 4);
		if (place == 0)
			total = total << 1 | total >> 31;
		total ^= word[i] << 7 * place | (uint64_t)word[i] >> (32 - 7 * place);
	}
	return total;
}
