/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOC_H
#define SOC_H

#define UART_INTERRUPT 0
#define ACCELERATOR_INTERRUPT 1

#endif
