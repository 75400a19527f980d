// request_seeds DIR: writes the corpus that a run begins with.
#include <cstdio>
#include <fstream>

#include "tests/fuzz/request_harness.hpp"

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: request_seeds DIR\n", stderr);
        return 2;
    }
    for (const auto& seed : tapline::fuzz::seeds()) {
        std::ofstream(std::string(argv[1]) + "/" + seed.name, std::ios::binary) << seed.bytes;
    }
    return 0;
}
