/* SPDX-License-Identifier: BSD-2-Clause */
/* Source of the arithmetic: see compiler/numbers.py. */

#include "kernels.h"

int8_t requantise(int32_t accumulator, const struct parameters *parameters, const struct model_layer *layer)
{
	unsigned left = parameters->shift > 0 ? parameters->shift : 0;
	unsigned right = parameters->shift < 0 ? -parameters->shift : 0;
	int32_t x = (uint32_t)(accumulator + (uint32_t)parameters->bias) << left;
	/* Multipliers are never negative, so the product cannot saturate. */
	int32_t high = ((int64_t)x * parameters->multiplier + (1 << 30)) >> 31;
	uint32_t mask = (1u << right) - 1;
	int32_t value = (high >> right) + ((high & mask) > (mask >> 1) + (high < 0));

	return clamped(value + layer->output_zero, layer);
}
