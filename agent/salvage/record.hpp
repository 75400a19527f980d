// SQLite's record format (https://sqlite.org/fileformat2.html#record_format). Pure; any bytes may
// come.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/salvage/pages.hpp"
#include "common/pour.hpp"

namespace tapline::salvage {

struct Varint {
    std::uint64_t value = 0;
    std::size_t bytes = 0;  ///< 1 to 9
};

/// nullopt when the bytes end within it.
[[nodiscard]] std::optional<Varint> read_varint(Bytes bytes, std::size_t at) noexcept;

/// More columns than any table of ours or a technician's has.
inline constexpr std::size_t max_columns = 200;

/// nullopt unless header and values fill the payload exactly, every serial type is one that SQLite
/// writes, and there are at most max_columns.
[[nodiscard]] std::optional<std::vector<Value>> decode_record(Bytes payload);

}  // namespace tapline::salvage
