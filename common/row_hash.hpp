// The chain that ties every pour of a journal to the ones before it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/pour.hpp"

namespace tapline {

/// SHA-256. A journal's chain starts with 32 zero bytes and goes on through its epochs, so that a
/// pour that stands in two copies of a journal has one hash.
using RowHash = std::array<std::uint8_t, 32>;

/// h = SHA-256(prev ‖ seq ‖ for each column in name order: name, type tag, length, bytes).
/// seq: 8 bytes. name: 4-byte length, then bytes. tag: 'i', 'r', 't' or 'b'. length: 4 bytes.
/// Integers are 8 bytes two's complement, reals their 8 IEEE 754 bytes; all big-endian. Frozen: a
/// later revision only adds columns that are NULL in old rows, which leaves old hashes as they are.
[[nodiscard]] RowHash next_hash(const RowHash& previous, const RawPour& pour);

[[nodiscard]] RowHash sha256(std::string_view bytes);
[[nodiscard]] std::string to_hex(const RowHash& hash);
/// nullopt unless 64 lower- or upper-case hex digits.
[[nodiscard]] std::optional<RowHash> hash_from_hex(std::string_view hex) noexcept;

}  // namespace tapline
