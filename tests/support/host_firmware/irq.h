/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IRQ_H
#define IRQ_H

void irq_attach(unsigned interrupt, void (*service)(void));
static inline void irq_setmask(unsigned mask) {}
static inline unsigned irq_getmask(void) { return 0; }
static inline void irq_setie(unsigned enable) {}

#endif
