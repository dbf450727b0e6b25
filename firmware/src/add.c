/* SPDX-License-Identifier: BSD-2-Clause */
/* Addition on the CPU. */

#include "kernels.h"

void add(const struct model_layer *layer)
{
	const uint8_t *input = (const uint8_t *)layer->input, *other = (const uint8_t *)layer->other;
	const int32_t *tables = (const int32_t *)layer->streams;
	const struct parameters *parameters = (const struct parameters *)(tables + 2 * 256);
	uint32_t planes = (layer->output_channels + ACCEL_COLUMNS - 1) / ACCEL_COLUMNS;
	uint32_t bytes = planes * layer->output_height * layer->output_width * ACCEL_COLUMNS;
	int8_t *output = (int8_t *)layer->output;

	for (uint32_t i = 0; i < bytes; i++)
		output[i] = requantise(tables[input[i]] + tables[256 + other[i]], parameters, layer);
}
