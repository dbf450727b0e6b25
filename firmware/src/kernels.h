/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPU's kernels. They read the accelerator's tensors, and weight streams and tables of their own (compiler/kernel_rows.py). */
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

/* Where channel `channel` of the first pixel of the layer's output lies; its pixels are ACCEL_COLUMNS bytes apart. */
static inline int8_t *output_channel(const struct model_layer *layer, uint32_t channel)
{
	uint32_t plane_bytes = layer->output_height * layer->output_width * ACCEL_COLUMNS;

	return (int8_t *)layer->output + channel / ACCEL_COLUMNS * plane_bytes + channel % ACCEL_COLUMNS;
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

/* Computes a layer of the table. */
typedef void kernel(const struct model_layer *layer);

/* The kernel called `name` (at most MODEL_NAME_BYTES), or NULL where this firmware lacks it. */
kernel *kernel_named(const char *name);

/* The name, of at most MODEL_NAME_BYTES, of the kernel that a layer of the table wants. */
const char *kernel_name(const struct model_header *model, const struct model_layer *layer);

/* Run a layer of the table by its kernel, which is there. Channels that only fill a plane become 0, unless the kernel writes them. */
void run_layer(const struct model_header *model, const struct model_layer *layer);

/* The checksum of a layer's output as the store engine counts that of what it writes, in the order of memory. */
uint32_t output_checksum(const struct model_layer *layer);

/* Convolutions and fully connected layers; channels that are in no mask cost nothing. */
void conv2d(const struct model_layer *layer);

void max_pool2d(const struct model_layer *layer);

void average_pool2d(const struct model_layer *layer);

/* The sum of two tensors by the tables of a byte each, as the accelerator has them. */
void add(const struct model_layer *layer);

/* A function of one number, by a table of 256. */
void lookup(const struct model_layer *layer);

/* TFLite's int8 softmax over the channels of each pixel. */
void softmax(const struct model_layer *layer);

/* A fully connected layer's int32 sums. */
void sums(const struct model_layer *layer);

#endif
