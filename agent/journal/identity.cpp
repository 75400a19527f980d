#include "agent/journal/identity.hpp"

#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>

#include <sys/random.h>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/row_hash.hpp"

namespace tapline::journal {

namespace {

/// At most 256 bytes; empty when the file can't be read.
std::string read_small(const char* path) {
    std::ifstream file(path, std::ios::binary);
    std::array<char, 256> bytes{};
    file.read(bytes.data(), bytes.size());
    return std::string(bytes.data(), static_cast<std::size_t>(file.gcount()));
}

}  // namespace

std::string make_uuid() {
    std::array<std::uint8_t, 16> bytes{};
    const auto got = ::getrandom(bytes.data(), bytes.size(), 0);
    TAPLINE_CHECK(got == static_cast<ssize_t>(bytes.size()));
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0FU) | 0x40U);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3FU) | 0x80U);
    std::string uuid;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        uuid += fmt::format("{}{:02x}", dash ? "-" : "", bytes[i]);
    }
    return uuid;
}

std::string hardware_fingerprint() {
    const auto machine = read_small("/etc/machine-id");
    const auto board = read_small("/sys/firmware/devicetree/base/serial-number");
    return machine.empty() && board.empty() ? std::string{}
                                            : to_hex(sha256(machine + '\0' + board));
}

}  // namespace tapline::journal
