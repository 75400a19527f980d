#include "agent/salvage/btree.hpp"

#include <algorithm>

#include "agent/salvage/record.hpp"

namespace tapline::salvage {

namespace {

/// The file's own header stands before the first page's.
std::size_t header_at(PageNumber number) noexcept {
    return number == 1 ? 100 : 0;
}

bool is_interior(PageKind kind) noexcept {
    return kind == PageKind::index_interior || kind == PageKind::table_interior;
}

std::size_t header_size(PageKind kind) noexcept {
    return is_interior(kind) ? 12 : 8;
}

/// How many bytes of a payload of `total` stand on the b-tree page itself ("Cell Payload Overflow
/// Pages").
std::size_t local_bytes(std::size_t usable, std::size_t total, bool table) noexcept {
    const std::size_t most = table ? usable - 35 : (usable - 12) * 64 / 255 - 23;
    if (total <= most) {
        return total;
    }
    const std::size_t least = (usable - 12) * 32 / 255 - 23;
    const std::size_t fitting = least + (total - least) % (usable - 4);
    return fitting <= most ? fitting : least;
}

bool append_overflow(Pages& pages, PageNumber next, std::size_t total, Cell& cell) {
    std::vector<std::uint8_t> page;
    while (cell.payload.size() < total) {
        if (next == 0 || next > pages.last_real() || !pages.read(next, page)) {
            return false;
        }
        const auto bytes = std::min(total - cell.payload.size(), pages.usable() - 4);
        const auto content = Bytes(page).subspan(4, bytes);
        cell.payload.insert(cell.payload.end(), content.begin(), content.end());
        next = big_endian_32(page, 0);
    }
    return true;
}

}  // namespace

PageKind kind_of(Bytes page, PageNumber number) noexcept {
    switch (page[header_at(number)]) {
        case 0x02:
            return PageKind::index_interior;
        case 0x05:
            return PageKind::table_interior;
        case 0x0A:
            return PageKind::index_leaf;
        case 0x0D:
            return PageKind::table_leaf;
        default:
            return PageKind::other;
    }
}

std::vector<CellPlace> cells_of(Bytes page, PageNumber number, PageKind kind) {
    const auto start = header_at(number);
    const auto array = start + header_size(kind);
    const auto room = (page.size() - array) / 2;
    const auto count = std::min<std::size_t>(big_endian_16(page, start + 3), room);
    // Pointers may stand up to where the cells begin; 0 is 65536.
    const std::size_t content = big_endian_16(page, start + 5);
    const auto slots =
        content > array && content <= page.size() ? (content - array) / 2 : std::size_t{0};
    std::vector<CellPlace> cells;
    cells.reserve(count);
    for (std::size_t i = 0; i < std::max(count, std::min(slots, room)); ++i) {
        const auto at = big_endian_16(page, array + 2 * i);
        if (at >= array && at + 4 <= page.size()) {
            cells.push_back({static_cast<std::uint16_t>(at), i < count});
        }
    }
    return cells;
}

std::vector<PageNumber> children_of(Bytes page, PageNumber number) {
    const auto kind = kind_of(page, number);
    if (!is_interior(kind)) {
        return {};
    }
    std::vector<PageNumber> children;
    for (const auto& cell : cells_of(page, number, kind)) {
        if (cell.counted) {
            children.push_back(big_endian_32(page, cell.at));
        }
    }
    children.push_back(big_endian_32(page, header_at(number) + 8));
    return children;
}

std::optional<Cell> read_cell(
    Pages& pages, Bytes page, PageKind kind, std::uint16_t at, Overflow overflow
) {
    const bool table = kind == PageKind::table_leaf;
    std::size_t place = at + (kind == PageKind::index_interior ? 4U : 0U);
    const auto total = read_varint(page, place);
    if (!total || total->value == 0 || total->value > max_payload) {
        return std::nullopt;
    }
    place += total->bytes;
    Cell cell;
    if (table) {
        const auto rowid = read_varint(page, place);
        if (!rowid) {
            return std::nullopt;
        }
        cell.rowid = static_cast<std::int64_t>(rowid->value);
        place += rowid->bytes;
    }
    const auto size = static_cast<std::size_t>(total->value);
    const auto local = local_bytes(pages.usable(), size, table);
    const bool overflows = local < size;
    if (place + local + (overflows ? 4 : 0) > page.size() ||
        (overflows && overflow == Overflow::ignore)) {
        return std::nullopt;
    }
    const auto content = page.subspan(place, local);
    cell.payload.assign(content.begin(), content.end());
    if (overflows && !append_overflow(pages, big_endian_32(page, place + local), size, cell)) {
        return std::nullopt;
    }
    return cell;
}

}  // namespace tapline::salvage
