#include "central/settle/pour_ids.hpp"

#include <array>
#include <string_view>

#include <openssl/rand.h>

#include "common/error.hpp"

namespace tapline::settle {

namespace {

std::string to_text(const std::array<unsigned char, 16>& bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text.push_back('-');
        }
        text.push_back(digits[bytes[i] >> 4U]);
        text.push_back(digits[bytes[i] & 15U]);
    }
    return text;
}

}  // namespace

std::vector<std::string> new_pour_ids(std::size_t count, std::int64_t utc_ms) {
    constexpr std::size_t random_bytes = 10;
    std::vector<unsigned char> random(count * random_bytes);
    if (!random.empty() && RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
        throw Error(
            ErrorKind::unreachable,
            "no_randomness",
            "the system's random generator gives nothing",
            "check the host; settling goes on by itself when it works again"
        );
    }
    std::vector<std::string> ids;
    ids.reserve(count);
    std::array<unsigned char, 16> bytes{};
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t at = 0; at < 6; ++at) {
            bytes[at] = static_cast<unsigned char>(utc_ms >> (8 * (5 - at)));
        }
        for (std::size_t at = 0; at < random_bytes; ++at) {
            bytes[6 + at] = random[i * random_bytes + at];
        }
        bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x70U);
        bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
        ids.push_back(to_text(bytes));
    }
    return ids;
}

}  // namespace tapline::settle
