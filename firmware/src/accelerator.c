/* SPDX-License-Identifier: BSD-2-Clause */
/* Driver of the accelerator: doorbell, interrupt, caches. */

#include <generated/csr.h>
#include <generated/mem.h>
#include <generated/soc.h>
#include <irq.h>
#include <stddef.h>
#include <system.h>

#include "accel_config.h"
#include "accelerator.h"
#include "clock.h"
#include "leds.h"

static volatile int done;

static uint32_t read_register(uint32_t offset)
{
	return *(volatile uint32_t *)(ACCELERATOR_BASE + offset);
}

static void write_register(uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)(ACCELERATOR_BASE + offset) = value;
}

/* The interrupt is a level that the acknowledgement ends. */
static void accel_isr(void)
{
	write_register(ACCEL_CONTROL, ACCEL_CONTROL_ACKNOWLEDGE);
	accelerator_ev_pending_write(1);
	done = 1;
}

void accel_set_filters(unsigned plane, uint32_t mask)
{
	write_register(ACCEL_FILTERS + 4 * plane, mask);
}

void accel_init(void)
{
	for (unsigned plane = 0; plane < ACCEL_FILTER_WORDS; plane++)
		accel_set_filters(plane, ~0u);
	irq_attach(ACCELERATOR_INTERRUPT, accel_isr);
	accelerator_ev_enable_write(1);
	irq_setmask(irq_getmask() | (1 << ACCELERATOR_INTERRUPT));
}

const char *accel_refuses(const struct model_header *model)
{
	if (read_register(ACCEL_ID) != ACCEL_IDENTIFICATION)
		return "there is no accelerator in this SoC: build the gateware again";
	if (read_register(ACCEL_CONFIG_HASH) != ACCEL_CONFIG)
		return "the firmware was built for another configuration than the gateware: build the firmware again";
	if (model->magic != MODEL_MAGIC)
		return "there is no model in memory: load a model binary at its address";
	if (model->version != MODEL_VERSION)
		return "the model binary has another version than the firmware reads: compile the model again";
	if (model->instruction_set != ACCEL_INSTRUCTION_SET)
		return "the model was compiled for another instruction set: compile it again";
	if (model->config != ACCEL_CONFIG)
		return "the model was compiled for another configuration: compile it for this one";
	return NULL;
}

void accel_run(const struct model_header *model, const struct model_step *step, struct accel_result *result)
{
	uint64_t doorbell;

	write_register(ACCEL_PROGRAM, step->program);
	write_register(ACCEL_LENGTH, step->instructions);
	write_register(ACCEL_READ_BASE, model->read_base);
	write_register(ACCEL_READ_LIMIT, model->read_limit);
	write_register(ACCEL_WRITE_BASE, model->write_base);
	write_register(ACCEL_WRITE_LIMIT, model->write_limit);
	done = 0;
	leds_show(LED_BUSY);
	doorbell = now();
	write_register(ACCEL_CONTROL, ACCEL_CONTROL_START);
	/* The loop stays in the instruction cache and `done` in the data cache: the DRAM is the accelerator's alone. */
	while (!done)
		;
	result->error = read_register(ACCEL_ERROR);
	leds_show(result->error ? LED_ERROR : 0);
	result->position = read_register(ACCEL_POSITION);
	result->detail = read_register(ACCEL_DETAIL);
	result->cycles = read_register(ACCEL_CYCLES);
	result->doorbell = doorbell;
}

uint32_t accel_record(unsigned index, unsigned field)
{
	return read_register(ACCEL_RECORDS + 4 * (ACCEL_RECORD_WORDS * index + field));
}

#ifdef CONFIG_L2_SIZE
#define L2_LINE_BYTES 16

/* The L2 is direct mapped and writes back: reading as many bytes as it has turns every line over. libbase's flush_l2_cache reads each word
 * twice over, which would take longer than a small network. */
static void turn_l2_over(void)
{
	for (uint32_t i = 0; i < CONFIG_L2_SIZE; i += L2_LINE_BYTES)
		(void)*(volatile uint32_t *)(MAIN_RAM_BASE + i);
}
#else
static void turn_l2_over(void)
{
}
#endif

/* The data cache writes through, but it must not answer the reads that turn the L2 over. */
static void turn_caches_over(void)
{
	flush_cpu_dcache();
	turn_l2_over();
}

void accel_sync_for_device(void)
{
	turn_caches_over();
}

void accel_sync_for_cpu(void)
{
	turn_caches_over();
	flush_cpu_dcache();
}
