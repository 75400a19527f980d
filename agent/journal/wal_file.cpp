#include "agent/journal/wal_file.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace tapline::journal {

namespace {

constexpr std::size_t header_bytes = 32;
constexpr std::size_t frame_header_bytes = 24;
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
