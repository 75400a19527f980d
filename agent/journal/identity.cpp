#include "agent/journal/identity.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

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

/// Of the interfaces that are hardware, sorted; not those on USB, which come and go.
std::string network_addresses() {
    std::vector<std::string> addresses;
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/class/net", failure)) {
        const auto device = std::filesystem::canonical(entry.path() / "device", failure);
        if (failure || device.string().find("/usb") != std::string::npos) {
            continue;
        }
        addresses.push_back(read_small((entry.path() / "address").c_str()));
    }
    std::sort(addresses.begin(), addresses.end());
    std::string joined;
    for (const auto& address : addresses) {
        joined += address;
    }
    return joined;
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
    if (const char* instead = std::getenv("TAPLINE_TEST_FINGERPRINT"); instead != nullptr) {
        return instead;
    }
    const auto machine = read_small("/etc/machine-id");
    auto board = read_small("/sys/firmware/devicetree/base/serial-number");
    if (board.empty()) {
        board = network_addresses();
    }
    return machine.empty() && board.empty() ? std::string{}
                                            : to_hex(sha256(machine + '\0' + board));
}

}  // namespace tapline::journal
