// The pages of a journal's copy as of its last commit, read with plain I/O: SQLite refuses to open
// what salvage is for. File format: https://sqlite.org/fileformat2.html.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "agent/journal/wal_file.hpp"

namespace tapline::salvage {

using PageNumber = std::uint32_t;  ///< from 1
using Bytes = std::span<const std::uint8_t>;

[[nodiscard]] std::uint32_t big_endian_16(Bytes bytes, std::size_t at) noexcept;
[[nodiscard]] std::uint32_t big_endian_32(Bytes bytes, std::size_t at) noexcept;

/// Of a copy that nobody writes to: the main file and the -wal beside it.
class Pages {
  public:
    explicit Pages(const std::filesystem::path& main);

    /// Also what broken frames of the -wal hold: numbers above last_real().
    [[nodiscard]] PageNumber last() const noexcept {
        return last_real_ + static_cast<PageNumber>(wal_.broken.size());
    }

    /// At most 2^31; what is left of a truncated file counts.
    [[nodiscard]] PageNumber last_real() const noexcept { return last_real_; }

    [[nodiscard]] std::size_t page_size() const noexcept { return page_size_; }

    /// Without the bytes that the header reserves at the end of each page; those are 0 in every
    /// journal, and a header that says otherwise isn't believed.
    [[nodiscard]] std::size_t usable() const noexcept { return page_size_; }

    /// False when there is no such page. What the file doesn't reach reads as zeros. Throws
    /// storage/"io_error" when the disk doesn't answer: that is no proof that nothing is there.
    [[nodiscard]] bool read(PageNumber number, std::vector<std::uint8_t>& page);

    /// What is wrong with the outside of the file, in words: header, length, frames.
    [[nodiscard]] const std::vector<std::string>& findings() const noexcept { return findings_; }

  private:
    void choose_page_size(const std::filesystem::path& main, const std::filesystem::path& wal);
    void look_at_header();

    std::ifstream main_;
    std::ifstream wal_file_;
    journal::WalPages wal_;
    std::size_t page_size_ = 4096;
    std::int64_t main_bytes_ = 0;
    PageNumber last_real_ = 0;
    std::vector<std::string> findings_;
};

}  // namespace tapline::salvage
