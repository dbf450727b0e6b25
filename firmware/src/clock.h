/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLOCK_H
#define CLOCK_H

#include <generated/csr.h>
#include <stdint.h>

/* Cycles of the system clock since power-on. */
static inline uint64_t now(void)
{
	timer0_uptime_latch_write(1);
	return timer0_uptime_cycles_read();
}

#endif
