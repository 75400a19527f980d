#include "agent/salvage/pages.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::salvage {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic{"SQLite format 3\0", 16};
constexpr std::size_t header_bytes = 100;
/// What Debian's SQLite makes (compile option DEFAULT_PAGE_SIZE); for a file that doesn't tell.
constexpr std::int64_t usual_page_size = 4096;
constexpr std::int64_t most_pages = std::int64_t{1} << 31U;

bool is_page_size(std::int64_t size) noexcept {
    return size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
}

std::int64_t bytes_of(const fs::path& file) {
    std::error_code missing;
    const auto size = fs::file_size(file, missing);
    return missing ? 0 : static_cast<std::int64_t>(size);
}

}  // namespace

std::uint32_t big_endian_16(Bytes bytes, std::size_t at) noexcept {
    return (std::uint32_t{bytes[at]} << 8U) | bytes[at + 1];
}

std::uint32_t big_endian_32(Bytes bytes, std::size_t at) noexcept {
    return (big_endian_16(bytes, at) << 16U) | big_endian_16(bytes, at + 2);
}

Pages::Pages(const fs::path& main)
    : main_(main, std::ios::binary),
      wal_file_(main.string() + "-wal", std::ios::binary),
      main_bytes_(bytes_of(main)) {
    const fs::path wal = main.string() + "-wal";
    choose_page_size(main, wal);
    const auto size = static_cast<std::int64_t>(page_size_);
    const auto in_file = (main_bytes_ + size - 1) / size;
    const auto pages = wal_.database_pages != 0 ? std::int64_t{wal_.database_pages} : in_file;
    last_real_ = static_cast<PageNumber>(std::min(pages, most_pages));
    if (main_bytes_ % size != 0) {
        findings_.push_back(fmt::format("the file ends within page {}", in_file));
    }
    look_at_header();
}

void Pages::choose_page_size(const fs::path& main, const fs::path& wal) {
    const auto said = journal::page_size_of(main);
    const auto believed = is_page_size(said) ? said : usual_page_size;
    wal_ = journal::read_wal_pages(wal, believed);
    page_size_ = static_cast<std::size_t>(wal_.page_size != 0 ? wal_.page_size : believed);
    if (wal_.broken_frames > 0) {
        findings_.push_back(fmt::format(
            "{} frames of the -wal don't add up; SQLite would drop every commit from the first on",
            wal_.broken_frames
        ));
    }
    if (said != static_cast<std::int64_t>(page_size_)) {
        findings_.push_back(fmt::format("the header says that pages have {} bytes", said));
    }
}

void Pages::look_at_header() {
    std::vector<std::uint8_t> page;
    if (last_real_ == 0 || !read(1, page)) {
        return;
    }
    if (!std::equal(magic.begin(), magic.end(), page.begin(), [](char a, std::uint8_t b) {
            return static_cast<std::uint8_t>(a) == b;
        })) {
        findings_.emplace_back("the header isn't an SQLite database's");
    }
    // File format versions, reserved bytes, payload fractions, text encoding (UTF-8).
    const bool usual = page[18] >= 1 && page[18] <= 2 && page[19] >= 1 && page[19] <= 2 &&
                       page[20] == 0 && page[21] == 64 && page[22] == 32 && page[23] == 32 &&
                       big_endian_32(page, 56) == 1;
    if (!usual) {
        findings_.emplace_back("the header says what no journal's header says");
    }
    const auto said = big_endian_32(page, 28);
    if (wal_.database_pages == 0 && said > last_real_ &&
        big_endian_32(page, 24) == big_endian_32(page, 92)) {
        findings_.push_back(
            fmt::format("the header says {} pages, the file has {}", said, last_real_)
        );
    }
}

bool Pages::read(PageNumber number, std::vector<std::uint8_t>& page) {
    page.assign(page_size_, 0);
    if (number == 0 || number > last()) {
        return false;
    }
    std::ifstream* file = &main_;
    auto at = static_cast<std::int64_t>(number - 1) * static_cast<std::int64_t>(page_size_);
    if (number > last_real_) {
        file = &wal_file_;
        at = wal_.broken[number - last_real_ - 1];
    } else if (const auto image = wal_.images.find(number); image != wal_.images.end()) {
        file = &wal_file_;
        at = image->second;
    }
    file->clear();
    file->seekg(at);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes
    file->read(reinterpret_cast<char*>(page.data()), static_cast<std::streamsize>(page.size()));
    if (file->bad()) {
        throw Error(
            ErrorKind::storage,
            "io_error",
            fmt::format("page {} can't be read", number),
            "Nothing has changed. See dmesg; copy the card with ddrescue before anything else."
        );
    }
    return true;
}

}  // namespace tapline::salvage
