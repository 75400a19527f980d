#include "agent/cli/tar_writer.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::cli {

namespace {

constexpr std::size_t block_bytes = 512;
using Block = std::array<char, block_bytes>;

struct Field {
    std::size_t offset;
    std::size_t bytes;
};

// IEEE Std 1003.1, pax, "ustar Interchange Format".
constexpr Field name_field{0, 100};
constexpr Field mode_field{100, 8};
constexpr Field user_field{108, 8};
constexpr Field group_field{116, 8};
constexpr Field size_field{124, 12};
constexpr Field mtime_field{136, 12};
constexpr Field checksum_field{148, 8};
constexpr std::size_t type_offset = 156;
constexpr Field magic_field{257, 8};
constexpr char regular_file = '0';

void set_text(Block& block, const Field& field, std::string_view text) {
    TAPLINE_CHECK(text.size() <= field.bytes);
    std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(field.offset));
}

/// Octal digits, and a NUL.
void set_number(Block& block, const Field& field, std::uint64_t number) {
    set_text(block, field, fmt::format("{:0{}o}", number, field.bytes - 1));
}

Block header_of(const std::string& name, std::size_t bytes, std::int64_t mtime_s) {
    Block block{};
    set_text(block, name_field, name);
    set_number(block, mode_field, 0600);
    set_number(block, user_field, 0);
    set_number(block, group_field, 0);
    set_number(block, size_field, bytes);
    set_number(block, mtime_field, static_cast<std::uint64_t>(std::max<std::int64_t>(mtime_s, 0)));
    block.at(type_offset) = regular_file;
    set_text(
        block,
        magic_field,
        std::string_view(
            "ustar\0"
            "00",
            magic_field.bytes
        )
    );
    // Counted with blanks in its own place.
    set_text(block, checksum_field, "        ");
    const auto sum = std::accumulate(block.begin(), block.end(), 0U, [](unsigned total, char c) {
        return total + static_cast<unsigned char>(c);
    });
    set_text(block, checksum_field, fmt::format("{:06o}", sum));
    block.at(checksum_field.offset + 6) = '\0';
    return block;
}

}  // namespace

void TarWriter::add(const std::string& name, std::string_view text) {
    TAPLINE_CHECK(!name.empty() && name.size() <= max_name_bytes);
    const auto header = header_of(name, text.size(), mtime_s_);
    put_({header.data(), header.size()});
    put_(text);
    const std::string padding((block_bytes - text.size() % block_bytes) % block_bytes, '\0');
    put_(padding);
}

void TarWriter::finish() {
    put_(std::string(2 * block_bytes, '\0'));
}

}  // namespace tapline::cli
