#include "tests/fuzz/request_harness.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tapline::fuzz::run(data, size);
    return 0;
}
