// Which page belongs to what, as far as the trees and the list of free pages still tell.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/salvage/pages.hpp"

namespace tapline::salvage {

enum class Role : std::uint8_t { unknown, pours, pours_index, own, other, freed };

struct Trees {
    std::vector<Role> roles;          ///< by page number; [0] is nothing
    std::vector<std::string> extras;  ///< "table cleaning", "index by_card"
    std::int64_t lost_pages = 0;      ///< pointed at, and no page of a tree

    [[nodiscard]] Role role(PageNumber number) const noexcept {
        return number < roles.size() ? roles[number] : Role::unknown;
    }
};

/// Each page is looked at once, whatever points at it.
[[nodiscard]] Trees map_trees(Pages& pages);

}  // namespace tapline::salvage
