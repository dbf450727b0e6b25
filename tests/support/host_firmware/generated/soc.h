/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOC_H
#define SOC_H

#define UART_INTERRUPT 0
#define ACCELERATOR_INTERRUPT 1
/* That of timer0_uptime_cycles_read. */
#define CONFIG_CLOCK_FREQUENCY 1000000000

#endif
