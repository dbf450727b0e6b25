/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers that the firmware uses, as functions of the host (host.c). */
#ifndef CSR_H
#define CSR_H

#include <stdint.h>

uint8_t uart_rxtx_read(void);
void uart_rxtx_write(uint8_t byte);
uint64_t timer0_uptime_cycles_read(void);

/* -DRATED_LINE: a UART whose rate can be changed. */
#ifdef RATED_LINE
#define CSR_UART_PHY_TUNING_WORD_ADDR 0
void uart_phy_tuning_word_write(uint32_t value);
static inline uint8_t uart_txempty_read(void) { return 1; }
#endif

/* -DBOARD_WITH_FLASH: button 0 is pressed while the word before the last one of the memory says so. */
#ifdef BOARD_WITH_FLASH
#define CSR_BUTTONS_IN_ADDR 0
uint32_t buttons_in_read(void);
#endif

uint8_t uart_rxempty_read(void);
static inline void uart_ev_pending_write(uint8_t value) {}
static inline uint8_t uart_txfull_read(void) { return 0; }
static inline void timer0_uptime_latch_write(uint8_t value) {}
static inline void accelerator_ev_pending_write(uint8_t value) {}
static inline void accelerator_ev_enable_write(uint8_t value) {}

#endif
