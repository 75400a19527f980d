// Pages of SQLite's b-trees and the cells on them
// (https://sqlite.org/fileformat2.html#b_tree_pages). Any bytes may come; whatever a page says is
// held against its size.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/salvage/pages.hpp"

namespace tapline::salvage {

enum class PageKind { other, index_interior, table_interior, index_leaf, table_leaf };

[[nodiscard]] PageKind kind_of(Bytes page, PageNumber number) noexcept;

struct CellPlace {
    std::uint16_t at = 0;
    /// Within the count that the page's header says; else only its pointer is there, because the
    /// count is wrong or the cell was deleted.
    bool counted = true;
};

/// Of a page read as `kind`, whatever its own first byte says; at most as many as its size allows.
[[nodiscard]] std::vector<CellPlace> cells_of(Bytes page, PageNumber number, PageKind kind);

/// Children of an interior page, left to right.
[[nodiscard]] std::vector<PageNumber> children_of(Bytes page, PageNumber number);

struct Cell {
    std::int64_t rowid = 0;  ///< of a table's leaf
    std::vector<std::uint8_t> payload;
};

/// A payload larger than this is damage; central's own limit is far below.
inline constexpr std::uint64_t max_payload = std::uint64_t{16} * 1024 * 1024;

/// Follows overflow pages, never more than the payload needs. nullopt when the cell doesn't fit the
/// page or the chain ends early. For leaves of tables and both kinds of an index's pages. Where a
/// page is only guessed to be a leaf, Overflow::ignore keeps garbage from being followed through
/// the file; such a cell is nullopt then.
enum class Overflow { follow, ignore };
[[nodiscard]] std::optional<Cell> read_cell(
    Pages& pages, Bytes page, PageKind kind, std::uint16_t at, Overflow overflow
);

}  // namespace tapline::salvage
