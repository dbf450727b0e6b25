/* SPDX-License-Identifier: BSD-2-Clause */
/* A function of one number, by a table, on the CPU. */

#include "kernels.h"

void lookup(const struct model_layer *layer)
{
	const int8_t *table = (const int8_t *)layer->streams + 128;
	uint32_t pixels = layer->output_height * layer->output_width, pitch = pixel_pitch(layer);

	for (uint32_t channel = 0; channel < layer->output_channels; channel++) {
		const int8_t *input = (const int8_t *)layer->input + channel_offset(layer, channel);
		int8_t *output = output_channel(layer, channel);

		for (uint32_t i = 0; i < pixels; i++)
			output[i * ACCEL_COLUMNS] = table[input[i * pitch]];
	}
}
