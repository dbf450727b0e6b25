/* SPDX-License-Identifier: BSD-2-Clause */
/* What the firmware finds on the host: its memory at the board's addresses, standard input and output as the UART, and an accelerator that computes
 * nothing but counts its jobs in the last word of the memory, and whose records hold their words' numbers. */

#define _GNU_SOURCE
#include <generated/csr.h>
#include <generated/mem.h>
#include <generated/soc.h>
#include <irq.h>
#include <libbase/uart.h>
#include <poll.h>
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

#ifdef BOARD_WITH_FLASH
#include "board.h"

/* The flash's package is the file that PACKAGE names. */
static void map_flash(void)
{
	FILE *file = fopen(getenv("PACKAGE"), "rb");

	map(BOARD_PACKAGE, 0x100000);
	if (!file || !fread((void *)(uintptr_t)BOARD_PACKAGE, 1, 0x100000, file))
		exit(1);
	fclose(file);
}

uint32_t buttons_in_read(void)
{
	return *(volatile uint32_t *)(uintptr_t)(MAIN_RAM_BASE + MAIN_RAM_SIZE - 8);
}
#endif

/* What printf says goes through the UART too. */
static ssize_t print(void *unused, const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		uart_rxtx_write(text[i]);
	return count;
}

static __attribute__((constructor)) void begin(void)
{
	pthread_t thread;

	stdout = fopencookie(NULL, "w", (cookie_io_functions_t){.write = print});
	setvbuf(stdout, NULL, _IONBF, 0);
	map(MAIN_RAM_BASE, MAIN_RAM_SIZE);
#ifdef BOARD_WITH_FLASH
	map_flash();
#endif
	map(ACCELERATOR_BASE, REGISTER_BYTES);
	*register_at(ACCEL_ID) = ACCEL_IDENTIFICATION;
	*register_at(ACCEL_CONFIG_HASH) = ACCEL_CONFIG;
	for (uint32_t i = 0; i < ACCEL_RECORD_COUNT * ACCEL_RECORD_WORDS; i++)
		*register_at(ACCEL_RECORDS + 4 * i) = i;
	if (pthread_create(&thread, NULL, accelerate, NULL))
		exit(1);
}

static uint8_t read_byte(void)
{
	uint8_t byte;

	if (read(STDIN_FILENO, &byte, 1) != 1)
		_exit(0);
	return byte;
}

static int is_readable(void)
{
	struct pollfd input = {STDIN_FILENO, POLLIN, 0};

	return poll(&input, 1, 2) > 0;
}

#ifdef RATED_LINE
#include "board.h"

/* Each byte comes and goes behind one that says at which rate, in units of 9600 baud. What has another rate than the UART is garbled, or lost. */
#define RATE(baud) ((baud) / 9600)

static uint32_t rate = RATE(BOARD_BAUD), noise = 1;
static uint8_t held;
static int holds;

void uart_phy_tuning_word_write(uint32_t value)
{
	rate = RATE((((uint64_t)value + 1) * CONFIG_CLOCK_FREQUENCY >> 32));
}

uint8_t uart_rxempty_read(void)
{
	if (!holds && is_readable()) {
		uint8_t sent_at = read_byte();
		held = read_byte();
		holds = 1;
		if (sent_at != rate) {
			noise = 1664525 * noise + 1013904223;
			held ^= noise >> 24;
			holds = noise >> 16 & 1;
		}
	}
	return !holds;
}

uint8_t uart_rxtx_read(void)
{
	holds = 0;
	return held;
}
#else
uint8_t uart_rxempty_read(void)
{
	return !is_readable();
}

uint8_t uart_rxtx_read(void)
{
	return read_byte();
}
#endif

/* Gathers a frame, or the console's ENQ, for one write. */
void uart_rxtx_write(uint8_t byte)
{
	static char line[8192];
	static unsigned count;

#ifdef RATED_LINE
	line[count++] = rate;
#endif
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
