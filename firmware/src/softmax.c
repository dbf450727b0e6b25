/* SPDX-License-Identifier: BSD-2-Clause */
/* Softmax over the channels of each pixel on the CPU, in whole numbers. Source of the arithmetic, and of the table: compiler/softmax.py. */

#include "kernels.h"

#define SUM_BITS 12

static int32_t high_of_doubled(int32_t a, int32_t b)
{
	return ((int64_t)a * b + (1 << 30)) >> 31;
}

static int32_t saturated(int64_t value)
{
	if (value > INT32_MAX)
		return INT32_MAX;
	return value < INT32_MIN ? INT32_MIN : value;
}

/* The reciprocal of the sum's 1 + x, 0 <= x < 1, times 2^31; the sum, above 0, is (1 + x) * 2^(length - 1). */
static int32_t reciprocal(uint32_t sum, unsigned length)
{
	int32_t half = sum << (31 - length);
	int32_t guess = 1515870810 + high_of_doubled(half, -1010580540);

	for (int i = 0; i < 3; i++) {
		int32_t error = (1 << 29) - high_of_doubled(half, guess);
		guess += saturated((int64_t)high_of_doubled(guess, error) * 4);
	}
	return saturated((int64_t)guess * 2);
}

static void softmax_pixel(const struct model_layer *layer, uint32_t pixel)
{
	const int32_t *table = (const int32_t *)layer->streams;
	const int8_t *input = (const int8_t *)layer->input + pixel * pixel_pitch(layer);
	int32_t largest = -128, factor;
	uint32_t sum = 0;
	unsigned length, exponent;

	for (uint32_t c = 0; c < layer->input_channels; c++)
		if (input[channel_offset(layer, c)] > largest)
			largest = input[channel_offset(layer, c)];
	for (uint32_t c = 0; c < layer->input_channels; c++)
		sum += divided_by_power(table[largest - input[channel_offset(layer, c)]], SUM_BITS);
	length = 32 - __builtin_clz(sum);
	factor = reciprocal(sum, length);
	exponent = length - (32 - SUM_BITS) + 31 - 8;
	for (uint32_t c = 0; c < layer->input_channels; c++) {
		int32_t product = high_of_doubled(factor, table[largest - input[channel_offset(layer, c)]]);
		int32_t value = (exponent > 31 ? 0 : divided_by_power(product, exponent)) - 128;
		output_channel(layer, c)[pixel * ACCEL_COLUMNS] = value > 127 ? 127 : value;
	}
}

void softmax(const struct model_layer *layer)
{
	for (uint32_t pixel = 0; pixel < layer->output_height * layer->output_width; pixel++)
		softmax_pixel(layer, pixel);
}
