#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/fuzz/request_harness.hpp"

namespace {

void run(const std::string& bytes) {
    const std::vector<std::uint8_t> data(bytes.begin(), bytes.end());
    tapline::fuzz::run(data.data(), data.size());
}

}  // namespace

TEST_CASE("Fuzz: what once broke the gateway, and real messages, are answered") {
    for (const auto& seed : tapline::fuzz::seeds()) {
        INFO(seed.name);
        run(seed.bytes);
    }
    for (const auto& file : std::filesystem::directory_iterator(TAPLINE_REGRESSIONS)) {
        std::ifstream in(file.path(), std::ios::binary);
        std::ostringstream bytes;
        bytes << in.rdbuf();
        INFO(file.path());
        run(bytes.str());
    }
    SUCCEED();
}

TEST_CASE("Fuzz: real messages with a few bytes changed are answered") {
    std::mt19937 dice(7);
    const auto seeds = tapline::fuzz::seeds();
    for (int i = 0; i < 1'500; ++i) {
        std::string bytes = seeds[dice() % seeds.size()].bytes;
        for (unsigned changes = dice() % 4; changes > 0; --changes) {
            bytes[1 + dice() % (bytes.size() - 1)] = static_cast<char>(dice() % 256);
        }
        if (dice() % 4 == 0) {
            bytes.resize(1 + dice() % (bytes.size() - 1));
        }
        run(bytes);
    }
    SUCCEED();
}
