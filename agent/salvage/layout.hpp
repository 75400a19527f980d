// How a pour stands in a record of table `pours`.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/pour.hpp"

namespace tapline::salvage {

/// By the newest revision that this program knows: revisions only append columns, so a record of an
/// older one is a shorter record of this.
struct PourLayout {
    struct Place {
        std::string name;
        /// SQLite writes a real without a fraction as an integer into such a column.
        bool real = false;
    };

    std::vector<Place> columns;
    std::size_t fewest = 0;  ///< of a record of the first revision
};

[[nodiscard]] PourLayout pour_layout();

struct FoundPour {
    RawPour pour;
    std::string status;  ///< empty unless it is text
    std::int64_t attempts = 0;
};

/// nullopt when these can't be the values of a pour's record. Pure.
[[nodiscard]] std::optional<FoundPour> to_pour(
    const PourLayout& layout, Seq seq, std::vector<Value> values
);

}  // namespace tapline::salvage
