/* SPDX-License-Identifier: BSD-2-Clause */

#include "serial.h"

#include <generated/csr.h>
#include <generated/soc.h>
#include <irq.h>
#include <libbase/uart.h>

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
	while (uart_rxempty_read())
		;
	byte = uart_rxtx_read();
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
