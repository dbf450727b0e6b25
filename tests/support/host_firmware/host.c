/* SPDX-License-Identifier: BSD-2-Clause */
/* What the firmware finds on the host: its memory at the board's addresses, standard input and output as the UART, and an accelerator that computes
 * nothing but counts its jobs in the last word of the memory, and whose records hold their words' numbers. */

#define _GNU_SOURCE
#include <generated/csr.h>
#include <generated/mem.h>
#include <irq.h>
#include <libbase/uart.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "accel_config.h"
#include "accel_registers.h"
#include "frame_format.h"

#define REGISTER_BYTES 0x10000
#define JOB_CYCLES 1234

static void (*volatile service_interrupt)(void);

static volatile uint32_t *register_at(uint32_t offset)
{
	return (volatile uint32_t *)(uintptr_t)(ACCELERATOR_BASE + offset);
}

void irq_attach(unsigned interrupt, void (*service)(void))
{
	service_interrupt = service;
}

static void *accelerate(void *unused)
{
	for (;;) {
		struct timespec pause = {0, 50000};
		nanosleep(&pause, NULL);
		if (*register_at(ACCEL_CONTROL) != ACCEL_CONTROL_START)
			continue;
		*register_at(ACCEL_CYCLES) = JOB_CYCLES;
		++*(volatile uint32_t *)(uintptr_t)(MAIN_RAM_BASE + MAIN_RAM_SIZE - 4);
		service_interrupt();
	}
	return NULL;
}

static void map(uint32_t address, uint32_t bytes)
{
	void *wanted = (void *)(uintptr_t)address;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;

	if (mmap(wanted, bytes, PROT_READ | PROT_WRITE, flags, -1, 0) != wanted)
		exit(1);
}

static __attribute__((constructor)) void begin(void)
{
	pthread_t thread;

	setvbuf(stdout, NULL, _IONBF, 0);
	map(MAIN_RAM_BASE, MAIN_RAM_SIZE);
	map(ACCELERATOR_BASE, REGISTER_BYTES);
	*register_at(ACCEL_ID) = ACCEL_IDENTIFICATION;
	*register_at(ACCEL_CONFIG_HASH) = ACCEL_CONFIG;
	for (uint32_t i = 0; i < ACCEL_RECORD_COUNT * ACCEL_RECORD_WORDS; i++)
		*register_at(ACCEL_RECORDS + 4 * i) = i;
	if (pthread_create(&thread, NULL, accelerate, NULL))
		exit(1);
}

uint8_t uart_rxtx_read(void)
{
	uint8_t byte;

	if (read(STDIN_FILENO, &byte, 1) != 1)
		_exit(0);
	return byte;
}

/* Gathers a frame, or the console's ENQ, for one write. */
void uart_rxtx_write(uint8_t byte)
{
	static char line[4096];
	static unsigned count;

	line[count++] = byte;
	if (byte != '\n' && byte != FRAME_ENQ && count < sizeof(line))
		return;
	if (write(STDOUT_FILENO, line, count) != count)
		_exit(1);
	count = 0;
}

uint64_t timer0_uptime_cycles_read(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return 1000000000ull * time.tv_sec + time.tv_nsec;
}
