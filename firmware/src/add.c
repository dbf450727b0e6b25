/* SPDX-License-Identifier: BSD-2-Clause */
/* Addition on the CPU. */

#include "kernels.h"

/* One of the two maps: the bytes of a channel, from pixel to pixel. */
struct bytes {
	const uint8_t *first;
	uint32_t pitch;
};

static struct bytes bytes_of(uint32_t address, uint32_t planar, const struct model_layer *layer, uint32_t channel)
{
	uint32_t plane = layer->output_height * layer->output_width * ACCEL_COLUMNS;
	const uint8_t *map = (const uint8_t *)address;

	if (planar)
		return (struct bytes){map + channel / ACCEL_COLUMNS * plane + channel % ACCEL_COLUMNS, ACCEL_COLUMNS};
	return (struct bytes){map + channel, layer->output_channels};
}

void add(const struct model_layer *layer)
{
	const int32_t *tables = (const int32_t *)layer->streams;
	const struct parameters *parameters = (const struct parameters *)(tables + 2 * 256);
	uint32_t pixels = layer->output_height * layer->output_width;

	for (uint32_t channel = 0; channel < layer->output_channels; channel++) {
		struct bytes one = bytes_of(layer->input, layer->input_planar, layer, channel);
		struct bytes other = bytes_of(layer->other, layer->other_planar, layer, channel);
		int8_t *output = (int8_t *)bytes_of(layer->output, 1, layer, channel).first;

		for (uint32_t i = 0; i < pixels; i++)
			output[i * ACCEL_COLUMNS] = requantise(tables[one.first[i * one.pitch]] + tables[256 + other.first[i * other.pitch]], parameters, layer);
	}
}
