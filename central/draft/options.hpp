// Lists in attribute texts, taken apart. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tapline::draft {

/// ASCII letters.
[[nodiscard]] std::string upper(std::string text);

/// At commas outside quotes and brackets, trimmed.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);

/// "fillfactor=70, x=y" -> "fillfactor='70', x='y'"; prefix goes before each name.
[[nodiscard]] std::string storage_options(std::string_view options, std::string_view prefix = "");

/// The parts of a printed PRIMARY KEY or UNIQUE constraint.
struct KeyText {
    bool primary = false;
    bool nulls_not_distinct = false;
    std::string columns;  ///< "(a, b)"
    std::string include;  ///< " INCLUDE (c)"
    std::string timing;   ///< " DEFERRABLE INITIALLY DEFERRED"
};

/// False: it is none of the two.
[[nodiscard]] bool read_key(std::string_view definition, KeyText& key);

}  // namespace tapline::draft
