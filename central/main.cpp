#include <cstdio>
#include <exception>

#include "central/cli/context.hpp"

int main(int argc, char** argv) {
    try {
        return tapline::cli::run_program(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "tapline-central: unexpected: %s\n", error.what());
        return 5;  // 1 says that something was looked at and found wanting
    }
}
