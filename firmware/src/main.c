/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware: runs the model in memory, on the accelerator or on the CPU alone, as the console or the host's frames say. */

#include <generated/csr.h>
#include <generated/mem.h>
#include <irq.h>
#include <libbase/uart.h>
#include <stdio.h>
#include <string.h>
#include <system.h>

#include "accelerator.h"
#include "clock.h"
#include "console.h"
#include "kernels.h"
#include "requests.h"
#include "serial.h"
#include "standalone.h"
#include "steps.h"

static const struct model_header *const model = (const struct model_header *)MODEL_ADDRESS;

/* The input tensor is the `input` of every run: bring the image there. Returns whether the model there can be run; `all`: by the CPU alone. */
static int take_image(uint32_t address, int all)
{
	const char *refusal = accel_refuses(model);

	if (!refusal)
		refusal = steps_refused(model, all);
	if (refusal) {
		console_fail(refusal);
		return 0;
	}
	memcpy((void *)model->input, (const void *)address, model->input_bytes);
	return 1;
}

static void print_bytes(uint32_t address, uint32_t bytes)
{
	static const char digits[] = "0123456789abcdef";

	printf("@bytes ");
	for (uint32_t i = 0; i < bytes; i++) {
		uint8_t byte = ((const uint8_t *)address)[i];
		putchar(digits[byte >> 4]);
		putchar(digits[byte & 15]);
	}
	putchar('\n');
}

static void command_run(const uint32_t *arguments)
{
	struct run_result result;

	if (!take_image(arguments[0], 0))
		return;
	run_steps(model, &result);
	printf("@done %lu %lu %lu %lu %lu %lu\n", (unsigned long)result.accel.error, (unsigned long)result.step, (unsigned long)result.accel.position,
		(unsigned long)result.accel.detail, (unsigned long)result.cycles, (unsigned long)result.end_to_end);
	if (result.accel.error)
		return;
	for (unsigned i = 0; i < model->steps; i++)
		printf("@step %lu %lu\n", (unsigned long)step_cycles[i], (unsigned long)step_checksum(model, i));
	for (unsigned i = 0; i < model->records; i++) {
		printf("@record");
		for (unsigned field = 0; field < ACCEL_RECORD_FIELDS; field++)
			printf(" %lu", (unsigned long)accel_record(i, field));
		printf("\n");
	}
}

static void command_cpu(const uint32_t *arguments)
{
	const struct model_layer *layers = (const struct model_layer *)model->table;

	if (!take_image(arguments[0], 1))
		return;
	for (unsigned i = 0; i < model->layers; i++) {
		uint64_t start = now();
		run_layer(model, &layers[i]);
		printf("@layer %lu\n", (unsigned long)(now() - start));
	}
}

static void command_dump(const uint32_t *arguments)
{
	/* Lines of 64 bytes keep the host's buffers short. */
	for (uint32_t i = 0; i < arguments[1]; i += 64)
		print_bytes(arguments[0] + i, arguments[1] - i < 64 ? arguments[1] - i : 64);
}

static void command_poke(const uint32_t *arguments)
{
	*(volatile uint32_t *)arguments[0] = arguments[1];
}

static void command_filters(const uint32_t *arguments)
{
	if (arguments[0] >= ACCEL_FILTER_WORDS)
		console_fail("there is no such plane in the filter mask");
	else
		accel_set_filters(arguments[0], arguments[1]);
}

static void command_exit(const uint32_t *arguments)
{
#ifdef CSR_SIM_FINISH_BASE
	printf("@ok\n");
	uart_sync();
	sim_finish_finish_write(1);
#else
	console_fail("only the simulation can end");
#endif
}

static void command_help(const uint32_t *arguments);

static const struct command commands[] = {
	{"run", 1, "run ADDRESS: the image at ADDRESS through the accelerator", command_run},
	{"cpu", 1, "cpu ADDRESS: the image at ADDRESS through the CPU's kernels", command_cpu},
	{"dump", 2, "dump ADDRESS BYTES: memory in hexadecimal", command_dump},
	{"poke", 2, "poke ADDRESS WORD: write a word of memory", command_poke},
	{"filters", 2, "filters PLANE MASK: which filters of an output plane are on, bit 0 for its first", command_filters},
	{"exit", 0, "exit: end the simulation", command_exit},
	{"help", 0, "help: this list", command_help},
};

static void command_help(const uint32_t *arguments)
{
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("@help %s\n", commands[i].help);
}

int main(void)
{
	static struct protocol protocol = {.requests = requests, .count = REQUEST_COUNT, .put = serial_write};

	irq_setmask(0);
	irq_setie(1);
	uart_init();
	accel_init();
	standalone_start();
	console_serve(commands, sizeof(commands) / sizeof(commands[0]), &protocol);
	return 0;
}
