/* SPDX-License-Identifier: BSD-2-Clause */
/* Source of the arithmetic: see compiler/numbers.py. */

#include "kernels.h"

static int32_t rounded_twice(int64_t product, unsigned right)
{
	/* Multipliers are never negative, so the product cannot saturate. */
	int32_t high = (product + (1 << 30)) >> 31;

	return divided_by_power(high, right);
}

static int32_t rounded_once(int64_t product, unsigned right, uint32_t rounding)
{
	if (rounding != MODEL_ROUNDING_DOWN)
		product += ((int64_t)1 << (30 + right)) - (rounding == MODEL_ROUNDING_HALF_AWAY && product < 0);
	return product >> (31 + right);
}

int8_t requantise(int32_t accumulator, const struct parameters *parameters, const struct model_layer *layer)
{
	unsigned left = parameters->shift > 0 ? parameters->shift : 0;
	unsigned right = parameters->shift < 0 ? -parameters->shift : 0;
	int32_t x = (uint32_t)(accumulator + (uint32_t)parameters->bias) << left;
	int64_t product = (int64_t)x * parameters->multiplier;
	int32_t value = layer->rounding == MODEL_ROUNDING_TWICE ? rounded_twice(product, right) : rounded_once(product, right, layer->rounding);

	return clamped(value + layer->output_zero, layer);
}
