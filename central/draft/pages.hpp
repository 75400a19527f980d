// Items as the text of revision files. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "central/draft/draft.hpp"

namespace tapline::draft {

struct Page {
    Stage stage = Stage::main;
    /// Both sections with their markers.
    std::string sql;
    /// Why there is no way back; empty: there is one.
    std::string irreversible;
    /// Of each line of `sql`, from 1, at which an item's text begins: the item.
    std::map<int, std::size_t> lines;
    std::vector<std::size_t> items;  ///< in order
    bool guarded = false;            ///< nothing but proposals, so that running it fails
};

/// In the order of the chain; items in the order of put_in_order. A page of nothing but proposals
/// refuses to run: applied as it is it would look done.
[[nodiscard]] std::vector<Page> pages_of(const std::vector<Item>& items);

}  // namespace tapline::draft
