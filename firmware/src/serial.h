/* SPDX-License-Identifier: BSD-2-Clause */
/* The UART without interrupts, which loses nothing however fast the line is: its own buffer stops a line that can wait, as the simulated one, where
 * libbase's ring, filled by interrupts, loses what it cannot hold. printf needs libbase's. */
#ifndef SERIAL_H
#define SERIAL_H

#include <stdint.h>

/* Take the UART from libbase; all output has been sent before. */
void serial_listen(void);

/* Give it back to libbase, and so to printf. */
void serial_rest(void);

/* Wait for a byte and return it. Only between serial_listen and serial_rest. */
uint8_t serial_read(void);

/* Send a byte. Only between serial_listen and serial_rest. */
void serial_write(uint8_t byte);

#endif
