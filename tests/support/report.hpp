// Figures of a test that passes go where ./test shows them.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace tapline::test {

inline void report(const std::string& line) {
    const char* pipe = std::getenv("TAPLINE_REPORT");
    std::FILE* out = pipe == nullptr ? stdout : std::fopen(pipe, "a");
    if (out != nullptr) {
        std::fputs((line + "\n").c_str(), out);
        if (out != stdout) {
            std::fclose(out);
        }
    }
}

}  // namespace tapline::test
