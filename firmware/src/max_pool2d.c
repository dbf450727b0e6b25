/* SPDX-License-Identifier: BSD-2-Clause */
/* Max pooling on the CPU. */

#include "kernels.h"

static int8_t largest(const struct model_layer *layer, uint32_t channel, int row, int column)
{
	const int8_t *input = (const int8_t *)layer->input + channel_offset(layer, channel);
	uint32_t pitch = pixel_pitch(layer);
	int32_t best = -128;

	for (int y = row; y < row + (int)layer->kernel_height; y++)
		for (int x = column; x < column + (int)layer->kernel_width; x++)
			if ((uint32_t)y < layer->input_height && (uint32_t)x < layer->input_width) {
				int8_t value = input[(y * layer->input_width + x) * pitch];
				if (value > best)
					best = value;
			}
	return clamped(best, layer);
}

void max_pool2d(const struct model_layer *layer)
{
	for (uint32_t channel = 0; channel < layer->output_channels; channel++) {
		int8_t *pixel = output_channel(layer, channel);
		for (uint32_t y = 0; y < layer->output_height; y++)
			for (uint32_t x = 0; x < layer->output_width; x++, pixel += ACCEL_COLUMNS)
				*pixel = largest(layer, channel, (int)(y * layer->stride_y - layer->pad_top), (int)(x * layer->stride_x - layer->pad_left));
	}
}
