/* SPDX-License-Identifier: BSD-2-Clause */

#include "serial.h"

#include <generated/csr.h>
#include <generated/soc.h>
#include <irq.h>
#include <libbase/uart.h>
#include <stddef.h>

#include "board.h"
#include "clock.h"
#include "standalone.h"

#ifdef CSR_UART_PHY_TUNING_WORD_ADDR
#define UNHEARD_CYCLES (CONFIG_CLOCK_FREQUENCY / 2)
/* No host is silent so long amid a request: what came before is forgotten. */
#define FORGET_CYCLES (10ull * CONFIG_CLOCK_FREQUENCY)
#define SLOWEST 1200
#define CLOCKS_A_BIT 16
#define BITS_A_BYTE 10

/* `on_trial`: nothing good has come at this rate. `unheard`: something has come since the last good frame, at `since` first and at `last` last. */
static uint32_t rate = BOARD_BAUD, planned;
static int on_trial, unheard;
static uint64_t since, last;

static void set_rate(uint32_t baud)
{
	rate = baud;
	uart_phy_tuning_word_write(((uint64_t)baud << 32) / CONFIG_CLOCK_FREQUENCY);
}

static void fall_back_when_due(void)
{
	if (rate != BOARD_BAUD && now() - since > UNHEARD_CYCLES)
		set_rate(BOARD_BAUD);
}

static void nothing_comes(void)
{
	if (on_trial)
		fall_back_when_due();
}

static void byte_came(void)
{
	uint64_t time = now();

	if (!on_trial && (!unheard || time - last > FORGET_CYCLES))
		since = time;
	unheard = 1;
	last = time;
	fall_back_when_due();
}

const char *serial_plan_rate(uint32_t baud)
{
	if (baud < SLOWEST || baud > CONFIG_CLOCK_FREQUENCY / CLOCKS_A_BIT)
		return "the line cannot have this rate: choose 1200 baud to a sixteenth of the clock";
	planned = baud;
	return NULL;
}

void serial_settle(void)
{
	uint64_t start;

	if (!planned)
		return;
	while (!uart_txempty_read())
		;
	/* The last byte, and one between the buffer and it, are still on their way. */
	for (start = now(); now() - start < (uint64_t)3 * BITS_A_BYTE * CONFIG_CLOCK_FREQUENCY / rate;)
		;
	set_rate(planned);
	planned = 0;
	on_trial = 1;
	since = now();
}

void serial_heard(void)
{
	on_trial = unheard = 0;
}
#else
static void nothing_comes(void)
{
}

static void byte_came(void)
{
}

const char *serial_plan_rate(uint32_t baud)
{
	return "the rate of this line cannot be changed: the gateware's UART has no register for it";
}

void serial_settle(void)
{
}

void serial_heard(void)
{
}
#endif

void serial_listen(void)
{
	uart_sync();
	irq_setmask(irq_getmask() & ~(1 << UART_INTERRUPT));
}

void serial_rest(void)
{
	irq_setmask(irq_getmask() | 1 << UART_INTERRUPT);
}

uint8_t serial_read(void)
{
	uint8_t byte;

	/* What came while libbase had the UART is in its ring. */
	if (uart_read_nonblock())
		return uart_read();
	while (uart_rxempty_read()) {
		nothing_comes();
		standalone_idle();
	}
	byte = uart_rxtx_read();
	byte_came();
	/* This takes the byte out of the UART. */
	uart_ev_pending_write(UART_EV_RX);
	return byte;
}

void serial_write(uint8_t byte)
{
	while (uart_txfull_read())
		;
	uart_rxtx_write(byte);
}
