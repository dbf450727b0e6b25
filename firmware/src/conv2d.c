/* SPDX-License-Identifier: BSD-2-Clause */
/* Convolution on the CPU, from weight streams of its own: ACCEL_COLUMNS output channels at a time. */

#include "kernels.h"

#define MAX_BLOCKS 1024

/* A block's channels in one tile: `count` offsets into a pixel, and `count` weight rows for each kernel position. */
struct segment {
	const int8_t *weights;
	const uint32_t *offsets;
	uint32_t count;
};

static struct segment segments[MAX_BLOCKS];
static uint32_t offsets[MAX_BLOCKS * ACCEL_BLOCK_CHANNELS];

/* Find a tile's segments and parameters; returns the first byte after its stream. */
static const int8_t *read_tile(const struct model_layer *layer, const int8_t *stream, const struct parameters **parameters)
{
	uint32_t taps = layer->kernel_height * layer->kernel_width;
	uint32_t *offset = offsets;
	const uint8_t *masks = 0;

	for (uint32_t block = 0; block < layer->blocks; block++) {
		if (block % ACCEL_MASKS_PER_HEADER == 0) {
			masks = (const uint8_t *)stream;
			stream += ACCEL_HEADER_BYTES;
		}
		segments[block].offsets = offset;
		segments[block].weights = stream;
		for (uint32_t k = 0; k < ACCEL_BLOCK_CHANNELS; k++)
			if (masks[k / 8] >> k % 8 & 1)
				*offset++ = channel_offset(layer, block * ACCEL_BLOCK_CHANNELS + k);
		masks += ACCEL_BLOCK_CHANNELS / 8;
		segments[block].count = offset - segments[block].offsets;
		stream += segments[block].count * taps * ACCEL_COLUMNS;
	}
	*parameters = (const struct parameters *)stream;
	return stream + ACCEL_COLUMNS * sizeof(struct parameters);
}

/* Multiply one pixel's channels (or `outside`, where pixel is NULL) by their weight rows into the accumulators; returns the next weights.
 * A function of its own and without early scheduling, so that the accumulators stay in registers; four products at a time, held together by
 * the empty asm, so that no instruction waits for the one before it. */
static __attribute__((noinline, optimize("no-schedule-insns", "no-schedule-insns2"))) const int8_t *accumulate(int32_t *sums, const struct segment *segment,
	const int8_t *pixel, int32_t outside, const int8_t *weights)
{
	const uint32_t *offset = segment->offsets, *end = offset + segment->count;
	int32_t kept[ACCEL_COLUMNS];

#pragma GCC unroll 16
	for (int k = 0; k < ACCEL_COLUMNS; k++)
		kept[k] = sums[k];
	for (; offset != end; offset++, weights += ACCEL_COLUMNS) {
		int32_t x = pixel ? pixel[*offset] : outside;
#pragma GCC unroll 16
		for (int k = 0; k < ACCEL_COLUMNS; k += 4) {
			int32_t w0 = weights[k], w1 = weights[k + 1], w2 = weights[k + 2], w3 = weights[k + 3];
			w0 *= x;
			w1 *= x;
			w2 *= x;
			w3 *= x;
			__asm__("" : "+r"(w0), "+r"(w1), "+r"(w2), "+r"(w3));
			kept[k] += w0;
			kept[k + 1] += w1;
			kept[k + 2] += w2;
			kept[k + 3] += w3;
		}
	}
#pragma GCC unroll 16
	for (int k = 0; k < ACCEL_COLUMNS; k++)
		sums[k] = kept[k];
	return weights;
}

/* One output pixel of ACCEL_COLUMNS channels. `row` and `column` are the window's first ones in the input. */
static void convolve_pixel(const struct model_layer *layer, int row, int column, const struct parameters *parameters, int8_t *output)
{
	const int8_t *input = (const int8_t *)layer->input;
	uint32_t pitch = pixel_pitch(layer);
	int32_t sums[ACCEL_COLUMNS] = {0};

	for (uint32_t block = 0; block < layer->blocks; block++) {
		const int8_t *weights = segments[block].weights;
		for (int y = row; y < row + (int)layer->kernel_height; y++)
			for (int x = column; x < column + (int)layer->kernel_width; x++) {
				int inside = (uint32_t)y < layer->input_height && (uint32_t)x < layer->input_width;
				const int8_t *pixel = inside ? input + (y * layer->input_width + x) * pitch : 0;
				weights = accumulate(sums, &segments[block], pixel, layer->input_zero, weights);
			}
	}
#pragma GCC unroll 16
	for (int k = 0; k < ACCEL_COLUMNS; k++)
		output[k] = requantise(sums[k], &parameters[k], layer);
}

void conv2d(const struct model_layer *layer)
{
	const int8_t *stream = (const int8_t *)layer->streams;
	uint32_t planes = (layer->output_channels + ACCEL_COLUMNS - 1) / ACCEL_COLUMNS;
	int8_t *output = (int8_t *)layer->output;

	for (uint32_t plane = 0; plane < planes; plane++) {
		const struct parameters *parameters;
		stream = read_tile(layer, stream, &parameters);
		for (uint32_t y = 0; y < layer->output_height; y++)
			for (uint32_t x = 0; x < layer->output_width; x++, output += ACCEL_COLUMNS)
				convolve_pixel(layer, (int)(y * layer->stride_y - layer->pad_top), (int)(x * layer->stride_x - layer->pad_left), parameters, output);
	}
}
