/* SPDX-License-Identifier: BSD-2-Clause */
/* Classifies without a host: the model and the images in the board's flash (firmware/package.py), where there are any. */
#ifndef STANDALONE_H
#define STANDALONE_H

/* Bring the model to memory and classify every image, a line each; the class of the last one is on the LEDs, in binary. Where something in the flash
 * does not fit, a line says so. */
void standalone_start(void);

/* Whoever waits for input calls this: a press of button 0 classifies the next image, as long as no host has taken the model's place. */
void standalone_idle(void);

#endif
