/* SPDX-License-Identifier: BSD-2-Clause */
/* A function of one number, by a table, on the CPU. Input and output have their channels in the same places. */

#include "kernels.h"

static void lookup_dense(const struct model_layer *layer, const int8_t *table)
{
	const int8_t *input = (const int8_t *)layer->input;

	for (uint32_t pixel = 0; pixel < layer->output_height * layer->output_width; pixel++)
		for (uint32_t channel = 0; channel < layer->output_channels; channel++)
			output_channel(layer, channel)[pixel * ACCEL_COLUMNS] = table[*input++];
}

void lookup(const struct model_layer *layer)
{
	const int8_t *input = (const int8_t *)layer->input, *table = (const int8_t *)layer->streams + 128;
	int8_t *output = (int8_t *)layer->output;

	if (!layer->input_planar) {
		lookup_dense(layer, table);
		return;
	}
	for (uint32_t i = 0; i < layer->output_bytes; i++)
		output[i] = table[input[i]];
}
