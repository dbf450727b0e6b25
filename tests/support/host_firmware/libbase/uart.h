/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UART_H
#define UART_H

#define UART_EV_TX 1
#define UART_EV_RX 2

static inline void uart_init(void) {}
void uart_write(char c);

#endif
