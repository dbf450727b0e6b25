/* SPDX-License-Identifier: BSD-2-Clause */

#include "standalone.h"

#include "board.h"

#if BOARD_PACKAGE
#include <generated/csr.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "accelerator.h"
#include "frame.h"
#include "leds.h"
#include "model_format.h"
#include "package_format.h"
#include "requests.h"
#include "serial.h"
#include "steps.h"

/* What the flash holds where nothing was written. */
#define ERASED 0xffffffffu

static const uint8_t *const base = (const uint8_t *)(uintptr_t)BOARD_PACKAGE;
static const struct package_header *const package = (const struct package_header *)(uintptr_t)BOARD_PACKAGE;
static struct model_header *const model = (struct model_header *)(uintptr_t)MODEL_ADDRESS;

/* Whether the model in memory is the flash's, and which image is the next one. */
static int ready;
static uint32_t next;

/* Return NULL where the package was brought to memory and can run, else a sentence. */
static const char *take_package(void)
{
	const struct model_header *flashed = (const struct model_header *)(base + package->model);
	const char *refusal;

	if (package->magic != PACKAGE_MAGIC)
		return "there is something else than a model in the flash: write one with --flash --model";
	if (package->version != PACKAGE_VERSION)
		return "the model in the flash is packed for another firmware: write both again with --flash --model";
	if (frame_crc32(0, package + 1, package->bytes) != package->crc)
		return "the model in the flash is damaged: write it again with --flash --model";
	refusal = model_refused(flashed);
	if (refusal)
		return refusal;
	memcpy(model, flashed, flashed->bytes);
	return steps_refused(model, 0);
}

static int32_t output_number(uint32_t class)
{
	const uint8_t *place = (const uint8_t *)(uintptr_t)model->output + ((const uint32_t *)(base + package->class_table))[class];
	int32_t number;

	if (package->number_bytes == 1)
		return *(const int8_t *)place;
	memcpy(&number, place, sizeof(number));
	return number;
}

static void classify(uint32_t image)
{
	struct run_result result;
	uint32_t best = 0;

	memcpy((void *)(uintptr_t)model->input, base + package->image_table + image * package->image_pitch, model->input_bytes);
	run_steps(model, &result);
	if (result.accel.error) {
		printf("@flash image %lu: the accelerator stopped with error %lu\n", (unsigned long)image, (unsigned long)result.accel.error);
		return;
	}
	for (uint32_t class = 1; class < package->classes; class++)
		if (output_number(class) > output_number(best))
			best = class;
	printf("@flash image %lu: class %lu %s, %lu cycles\n", (unsigned long)image, (unsigned long)best,
		package->labels ? (const char *)base + package->labels + best * PACKAGE_LABEL_BYTES : "", (unsigned long)result.cycles);
	leds_show(best);
}

void standalone_start(void)
{
	const char *refusal;

	if (package->magic == ERASED)
		return;
	refusal = take_package();
	if (refusal) {
		printf("@flash %s\n", refusal);
		return;
	}
	ready = 1;
	for (uint32_t i = 0; i < package->images; i++)
		classify(i);
}

#ifdef CSR_BUTTONS_IN_ADDR
void standalone_idle(void)
{
	static int pressed;
	int before = pressed;

	pressed = buttons_in_read() & 1;
	if (!ready || !pressed || before || !package->images)
		return;
	/* What a host has begun to write is not the flash's model any more. */
	if (requests_have_memory())
		return;
	serial_rest();
	classify(next);
	next = (next + 1) % package->images;
	serial_listen();
}
#else
void standalone_idle(void)
{
}
#endif
#else
void standalone_start(void)
{
}

void standalone_idle(void)
{
}
#endif
