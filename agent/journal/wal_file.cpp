#include "agent/journal/wal_file.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::journal {

namespace {

constexpr std::size_t header_bytes = 32;
constexpr std::size_t frame_header_bytes = 24;
constexpr std::uintmax_t smallest_database_bytes = 512;  // fileformat2.html 1.3.2, one page
constexpr std::uint32_t magic_little = 0x377F0682;
constexpr std::uint32_t magic_big = 0x377F0683;
constexpr std::uint32_t wal_version = 3007000;
/// Each reset adds one to the first salt; more resets than this in one file's life don't happen.
constexpr std::uint32_t max_resets = 1U << 24U;

using Bytes = std::span<const unsigned char>;

std::uint32_t big_endian(Bytes bytes, std::size_t at) {
    return (std::uint32_t{bytes[at]} << 24U) | (std::uint32_t{bytes[at + 1]} << 16U) |
           (std::uint32_t{bytes[at + 2]} << 8U) | std::uint32_t{bytes[at + 3]};
}

std::uint32_t little_endian(Bytes bytes, std::size_t at) {
    return (std::uint32_t{bytes[at + 3]} << 24U) | (std::uint32_t{bytes[at + 2]} << 16U) |
           (std::uint32_t{bytes[at + 1]} << 8U) | std::uint32_t{bytes[at]};
}

struct Checksum {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    bool operator==(const Checksum&) const = default;

    void add(Bytes bytes, bool big) {
        for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
            first += (big ? big_endian(bytes, at) : little_endian(bytes, at)) + second;
            second += (big ? big_endian(bytes, at + 4) : little_endian(bytes, at + 4)) + first;
        }
    }
};

bool read_exactly(std::ifstream& file, std::vector<unsigned char>& bytes) {
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return file.gcount() == static_cast<std::streamsize>(bytes.size());
}

Difference foreign(const std::filesystem::path& wal, std::string expected, std::string found) {
    return {
        fmt::format("file {}", wal.filename().string()),
        "changed",
        std::move(expected),
        std::move(found)};
}

/// Frames behind the valid ones: the current round's torn tail, zeros, or an earlier round's.
bool may_follow(std::uint32_t current, std::uint32_t salt1, std::uint32_t salt2) {
    return (salt1 == 0 && salt2 == 0) || current - salt1 <= max_resets;
}

}  // namespace

WalReport read_wal(const std::filesystem::path& wal, std::int64_t page_size) {
    WalReport report;
    std::ifstream file(wal, std::ios::binary);
    std::vector<unsigned char> header(header_bytes);
    if (!file || !read_exactly(file, header) ||
        std::all_of(header.begin(), header.end(), [](auto byte) { return byte == 0; })) {
        return report;
    }
    const auto magic = big_endian(header, 0);
    const bool big = magic == magic_big;
    Checksum sum;
    sum.add(Bytes(header).first(24), big);
    if ((magic != magic_little && !big) || big_endian(header, 4) != wal_version ||
        sum != Checksum{big_endian(header, 24), big_endian(header, 28)}) {
        report.problem = foreign(wal, "a header whose checksum is right", "another header");
        return report;
    }
    if (big_endian(header, 8) != static_cast<std::uint32_t>(page_size)) {
        report.problem = foreign(
            wal,
            fmt::format("page size {}", page_size),
            fmt::format("page size {}", big_endian(header, 8))
        );
        return report;
    }
    const auto salt1 = big_endian(header, 16);
    const auto salt2 = big_endian(header, 20);
    std::vector<unsigned char> frame(frame_header_bytes + static_cast<std::size_t>(page_size));
    bool chained = true;
    std::optional<Difference> stranger;
    for (std::int64_t number = 1; read_exactly(file, frame); ++number) {
        const auto found1 = big_endian(frame, 8);
        const auto found2 = big_endian(frame, 12);
        const bool current = found1 == salt1 && found2 == salt2;
        if (chained && current) {
            sum.add(Bytes(frame).first(8), big);
            sum.add(Bytes(frame).subspan(frame_header_bytes), big);
            chained = sum == Checksum{big_endian(frame, 16), big_endian(frame, 20)};
            report.frames += chained ? 1 : 0;
            continue;
        }
        chained = false;
        if (current && stranger) {
            report.problem = std::move(stranger);
            return report;
        }
        if (!current && !stranger && !may_follow(salt1, found1, found2)) {
            stranger = foreign(
                wal,
                fmt::format("salts of one file's rounds ({:08x} or a little less)", salt1),
                fmt::format("frame {} with salt {:08x}", number, found1)
            );
        }
    }
    // A writer that found a torn -wal begins anew with salts of chance, and what it leaves behind
    // its own frames tells nothing. Without a frame of its own there is nothing but the stranger's.
    if (report.frames == 0) {
        report.problem = std::move(stranger);
    }
    return report;
}

namespace {

/// What SQLite makes unless it is told otherwise.
constexpr std::int64_t usual_page_size = 4096;
constexpr std::int64_t max_frames = std::int64_t{1} << 20U;
/// Frames that no longer chain, in a row: after that nothing of this round follows.
constexpr std::int64_t max_broken_in_a_row = 64;

bool is_page_size(std::int64_t size) {
    return size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
}

/// Walks one -wal frame by frame. Behind a broken frame there are two guesses what the next one's
/// checksum starts from: what the broken one says, and what its bytes add up to.
class FrameWalk {
  public:
    FrameWalk(std::ifstream& file, std::int64_t page_size, bool big)
        : file_(file), page_size_(page_size), big_(big) {}

    WalPages run(std::uint64_t salts, std::optional<Checksum> start);

  private:
    [[nodiscard]] bool look(const std::vector<unsigned char>& frame, std::uint64_t salts);
    void commit(std::uint32_t pages);

    std::ifstream& file_;
    std::int64_t page_size_;
    bool big_;
    std::vector<Checksum> seeds_;
    bool vindicated_ = false;  ///< the frame before is good after all, only its checksum isn't
    WalPages committed_;
    std::vector<std::pair<std::uint32_t, std::int64_t>> pending_;
    std::vector<std::pair<std::uint32_t, std::int64_t>> broken_;
    std::int64_t broken_frames_ = 0;
};

bool FrameWalk::look(const std::vector<unsigned char>& frame, std::uint64_t salts) {
    const auto found = (std::uint64_t{big_endian(frame, 8)} << 32U) | big_endian(frame, 12);
    const Checksum stored{big_endian(frame, 16), big_endian(frame, 20)};
    std::vector<Checksum> next{stored};
    bool good = false;
    vindicated_ = false;
    for (std::size_t i = 0; i < seeds_.size() && !good; ++i) {
        auto sum = seeds_[i];
        sum.add(Bytes(frame).first(8), big_);
        sum.add(Bytes(frame).subspan(frame_header_bytes), big_);
        good = sum == stored && found == salts;
        vindicated_ = good && i > 0;
        if (!good && i == 0) {
            next.push_back(sum);
        }
    }
    if (good) {
        next.resize(1);
    }
    seeds_ = std::move(next);
    return good;
}

void FrameWalk::commit(std::uint32_t pages) {
    for (const auto& [page, at] : pending_) {
        committed_.images[page] = at;
    }
    for (const auto& [page, at] : broken_) {
        committed_.broken.push_back(at);
    }
    pending_.clear();
    broken_.clear();
    committed_.page_size = page_size_;
    committed_.database_pages = pages;
    committed_.broken_frames = broken_frames_;
}

WalPages FrameWalk::run(std::uint64_t salts, std::optional<Checksum> start) {
    if (start) {
        seeds_.push_back(*start);
    }
    std::vector<unsigned char> frame(frame_header_bytes + static_cast<std::size_t>(page_size_));
    auto at = static_cast<std::int64_t>(header_bytes);
    std::int64_t in_a_row = 0;
    file_.clear();
    file_.seekg(at);
    for (std::int64_t number = 0; number < max_frames && in_a_row <= max_broken_in_a_row;
         ++number) {
        if (!read_exactly(file_, frame)) {
            break;
        }
        const bool good = look(frame, salts);
        const std::pair image{
            big_endian(frame, 0), at + static_cast<std::int64_t>(frame_header_bytes)};
        at += static_cast<std::int64_t>(frame.size());
        if (!good) {
            ++in_a_row;
            ++broken_frames_;
            broken_.push_back(image);
            continue;
        }
        in_a_row = 0;
        if (vindicated_ && !broken_.empty()) {
            pending_.push_back(broken_.back());
            broken_.pop_back();
        }
        pending_.push_back(image);
        if (const auto pages = big_endian(frame, 4); pages != 0) {
            commit(pages);
        }
    }
    return std::move(committed_);
}

}  // namespace

WalPages read_wal_pages(const std::filesystem::path& wal, std::int64_t page_size) {
    std::ifstream file(wal, std::ios::binary);
    std::vector<unsigned char> header(header_bytes);
    if (!file || !read_exactly(file, header)) {
        return {};
    }
    const bool big = big_endian(header, 0) == magic_big;
    Checksum sum;
    sum.add(Bytes(header).first(24), big);
    const bool sound = sum == Checksum{big_endian(header, 24), big_endian(header, 28)} &&
                       is_page_size(big_endian(header, 8));
    if (sound) {
        const auto salts = (std::uint64_t{big_endian(header, 16)} << 32U) | big_endian(header, 20);
        return FrameWalk(file, big_endian(header, 8), big).run(salts, sum);
    }
    std::vector<unsigned char> first(frame_header_bytes);
    if (!is_page_size(page_size) || !read_exactly(file, first)) {
        return {};
    }
    // The first frame was written last of all that may stand here: its salts are this round's.
    const auto salts = (std::uint64_t{big_endian(first, 8)} << 32U) | big_endian(first, 12);
    for (const bool order : {false, true}) {
        auto pages = FrameWalk(file, page_size, order).run(salts, std::nullopt);
        if (pages.page_size != 0) {
            return pages;
        }
    }
    return {};
}

bool has_broken_frames(const std::filesystem::path& wal) {
    const auto pages = read_wal_pages(wal, usual_page_size);
    return pages.broken_frames > 0 && pages.page_size != 0;
}

WalPosition wal_position(const std::filesystem::path& wal) {
    std::ifstream file(wal, std::ios::binary | std::ios::ate);
    if (!file) {
        return {};
    }
    const auto size = static_cast<std::int64_t>(file.tellg());
    std::vector<unsigned char> header(header_bytes);
    file.seekg(0);
    if (!read_exactly(file, header)) {
        return {};
    }
    const auto page = std::int64_t{big_endian(header, 8)};
    if (page < 512 || page > 65536) {
        return {};
    }
    const auto step = page + static_cast<std::int64_t>(frame_header_bytes);
    const auto is_current = [&](std::int64_t frame) {
        std::vector<unsigned char> salts(8);
        file.clear();
        file.seekg(static_cast<std::int64_t>(header_bytes) + frame * step + 8);
        return read_exactly(file, salts) &&
               std::equal(salts.begin(), salts.end(), header.begin() + 16);
    };
    std::int64_t low = 0;
    std::int64_t high = (size - static_cast<std::int64_t>(header_bytes)) / step;
    while (low < high) {
        const auto middle = low + (high - low) / 2;
        if (is_current(middle)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return {(std::uint64_t{big_endian(header, 16)} << 32U) | big_endian(header, 20), low};
}

bool has_orphaned_wal(const std::filesystem::path& database) {
    std::error_code failure;
    const auto bytes = std::filesystem::file_size(database, failure);
    const bool too_short =
        failure ? failure == std::errc::no_such_file_or_directory : bytes < smallest_database_bytes;
    const auto wal_bytes = std::filesystem::file_size(database.string() + "-wal", failure);
    return too_short && !failure && wal_bytes > header_bytes;
}

void refuse_orphaned_wal(
    const std::filesystem::path& database, const std::filesystem::path& shown_as
) {
    if (!has_orphaned_wal(database)) {
        return;
    }
    const bool there = std::filesystem::exists(database);
    throw Error(
        ErrorKind::storage_corrupt,
        "damaged",
        fmt::format(
            "{} is {}, but its -wal is there: SQLite would delete it, and its pours",
            shown_as.string(),
            there ? "empty" : "missing"
        ),
        there ? "The running agent salvages it by itself, or: `tapline-agent journal salvage`."
              : "Put the file back beside its -wal. If it is gone for good, make an empty one that "
                "belongs to the same user (touch), then: `tapline-agent journal salvage`."
    );
}

std::int64_t page_size_of(const std::filesystem::path& database) {
    std::ifstream file(database, std::ios::binary);
    std::vector<unsigned char> header(100);
    if (!file || !read_exactly(file, header)) {
        return 0;
    }
    const auto stored = std::int64_t{header[16]} << 8U | std::int64_t{header[17]};
    return stored == 1 ? 65536 : stored;
}

}  // namespace tapline::journal
