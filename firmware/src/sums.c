/* SPDX-License-Identifier: BSD-2-Clause */
/* The sums of a fully connected layer on the CPU: for each byte of the input, in its order in memory, a weight. */

#include "kernels.h"

void sums(const struct model_layer *layer)
{
	uint32_t channels = layer->input_planar ? (layer->input_channels + ACCEL_COLUMNS - 1) / ACCEL_COLUMNS * ACCEL_COLUMNS : layer->input_channels;
	uint32_t bytes = layer->input_height * layer->input_width * channels;
	const int8_t *input = (const int8_t *)layer->input;
	const int32_t *bias = (const int32_t *)layer->streams;
	const int8_t *weights = (const int8_t *)(bias + layer->output_channels);
	uint32_t *output = (uint32_t *)layer->output;

	for (uint32_t k = 0; k < layer->output_channels; k++) {
		uint32_t sum = bias[k];
		for (uint32_t i = 0; i < bytes; i++)
			sum += (uint32_t)(input[i] * *weights++);
		output[k] = sum;
	}
}
