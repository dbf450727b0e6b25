/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPU's kernels. They read the accelerator's tensors, and weight streams of their own (compiler/cpu_stream.py). */
#ifndef KERNELS_H
#define KERNELS_H

#include "accel_config.h"
#include "model_format.h"

/* One output channel's parameters, as in the weight stream. */
struct parameters {
	int32_t bias, multiplier;
	int8_t shift;
	uint8_t unused[7];
};

/* Channels from the first byte of a pixel on: where channel `channel` of the layer's input lies. */
static inline uint32_t channel_offset(const struct model_layer *layer, uint32_t channel)
{
	if (!layer->input_planar)
		return channel;
	return channel / ACCEL_COLUMNS * (layer->input_height * layer->input_width * ACCEL_COLUMNS) + channel % ACCEL_COLUMNS;
}

/* `value`, or the limit of the layer's outputs that it is beyond. */
static inline int32_t clamped(int32_t value, const struct model_layer *layer)
{
	if (value < layer->clamp_min)
		return layer->clamp_min;
	return value > layer->clamp_max ? layer->clamp_max : value;
}

/* Bytes from one pixel of the input to the next. */
static inline uint32_t pixel_pitch(const struct model_layer *layer)
{
	return layer->input_planar ? ACCEL_COLUMNS : layer->input_channels;
}

/* x / 2^exponent rounded to nearest, halves away from zero; exponent 0 to 31. */
static inline int32_t divided_by_power(int32_t x, unsigned exponent)
{
	uint32_t mask = (1u << exponent) - 1;

	return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0));
}

/* The output of an accumulator with its bias, rounded as the layer says. */
int8_t requantise(int32_t accumulator, const struct parameters *parameters, const struct model_layer *layer);

/* Convolutions and fully connected layers; channels that are in no mask cost nothing. */
void conv2d(const struct model_layer *layer);

void max_pool2d(const struct model_layer *layer);

void average_pool2d(const struct model_layer *layer);

/* The sum of two tensors by the tables of a byte each, as the accelerator has them. */
void add(const struct model_layer *layer);

#endif
