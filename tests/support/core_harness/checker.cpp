// SPDX-License-Identifier: BSD-2-Clause
// The checker alone, for tests that script the signals.
#include "axi_checker.h"

extern "C" {
AxiChecker *checker_new(unsigned beat_bytes) { return new AxiChecker(beat_bytes); }
void checker_delete(AxiChecker *checker) { delete checker; }
void checker_window(AxiChecker *checker, int write, uint32_t base, uint32_t limit) {
    (write ? checker->write_window : checker->read_window) = {base, limit};
}
void checker_begin(AxiChecker *checker) { checker->begin_job(); }
void checker_end(AxiChecker *checker) { checker->end_job(); }
void checker_observe(AxiChecker *checker, const AxiSignals *now) { checker->observe(*now); }
const char *checker_broken(AxiChecker *checker) { return checker->broken().c_str(); }
unsigned checker_signal_bytes() { return sizeof(AxiSignals); }
}
