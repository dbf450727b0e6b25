/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers that the firmware uses, as functions of the host (host.c). */
#ifndef CSR_H
#define CSR_H

#include <stdint.h>

uint8_t uart_rxtx_read(void);
void uart_rxtx_write(uint8_t byte);
uint64_t timer0_uptime_cycles_read(void);

static inline void uart_ev_pending_write(uint8_t value) {}
static inline uint8_t uart_rxempty_read(void) { return 0; }
static inline uint8_t uart_txfull_read(void) { return 0; }
static inline void timer0_uptime_latch_write(uint8_t value) {}
static inline void accelerator_ev_pending_write(uint8_t value) {}
static inline void accelerator_ev_enable_write(uint8_t value) {}

#endif
