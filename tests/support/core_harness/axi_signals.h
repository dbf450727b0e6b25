// SPDX-License-Identifier: BSD-2-Clause
// The AXI port in one clock cycle, as it stands at the rising edge. Plain fields, so that Python's ctypes can write it.
#pragma once
#include <cstdint>

struct AxiRequest {
    uint8_t valid, ready;
    uint32_t address;
    uint8_t length, size, burst;
    bool operator==(const AxiRequest &other) const {
        return address == other.address && length == other.length && size == other.size && burst == other.burst;
    }
};

struct AxiSignals {
    AxiRequest ar, aw;
    uint8_t r_valid, r_ready, r_last, r_response;
    uint8_t w_valid, w_ready, w_last;
    uint16_t w_strobes;
    uint8_t w_data[16];
    uint8_t b_valid, b_ready, b_response;
};
