/* SPDX-License-Identifier: BSD-2-Clause */
/* The board's LEDs, where it has any: LED 0 is lit while the accelerator works, LED 1 after an error until the next job. */
#ifndef LEDS_H
#define LEDS_H

#include <generated/csr.h>

#define LED_BUSY 1u
#define LED_ERROR 2u

static inline void leds_show(unsigned leds)
{
#ifdef CSR_LEDS_OUT_ADDR
	leds_out_write(leds);
#endif
}

#endif
