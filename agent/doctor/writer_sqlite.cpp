#include "agent/doctor/writer_sqlite.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include <fmt/format.h>

namespace fs = std::filesystem;

namespace tapline::doctor {

namespace {

constexpr std::uintmax_t max_library_bytes = std::uintmax_t{16} * 1024 * 1024;
constexpr std::int64_t max_map_lines = 65'536;  // Linux, vm.max_map_count

/// "3.40.1"
bool is_version(std::string_view text) {
    constexpr std::size_t longest = 10;
    return text.size() <= longest && text.starts_with("3.") &&
           std::count(text.begin(), text.end(), '.') == 2 && text.back() != '.' &&
           text.find_first_not_of("0123456789.") == std::string_view::npos &&
           text.find("..") == std::string_view::npos;
}

std::string read_library(const fs::path& file) {
    std::error_code missing;
    const auto bytes = fs::file_size(file, missing);
    if (missing || bytes > max_library_bytes || !fs::is_regular_file(file, missing)) {
        return {};
    }
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

/// The path is the sixth field, with blanks before it.
std::string mapped_file(const std::string& line) {
    const auto slash = line.find('/');
    return slash == std::string::npos ? "" : line.substr(slash);
}

}  // namespace

bool has_reset_bug(const std::string& version) {
    int major = 0;
    int minor = 0;
    int patch = 0;
    char dot = 0;
    std::istringstream(version) >> major >> dot >> minor >> dot >> patch;
    const auto at_least = [&](int wanted_minor, int wanted_patch) {
        return minor == wanted_minor && patch >= wanted_patch;
    };
    return major < 4 && minor <= 51 && !at_least(51, 3) && !at_least(50, 7) && !at_least(44, 6);
}

std::optional<std::string> version_in(std::string_view library) {
    std::optional<std::string> found;
    std::size_t at = 0;
    while ((at = library.find(std::string_view("\0003.", 3), at)) != std::string_view::npos) {
        ++at;
        const auto text = library.substr(at, library.find('\0', at) - at);
        if (!is_version(text) || found == text) {
            continue;
        }
        if (found) {
            return std::nullopt;
        }
        found = std::string(text);
    }
    return found;
}

std::optional<MappedSqlite> mapped_sqlite(const Look& look, std::int64_t pid) {
    std::ifstream maps(look.at(fmt::format("/proc/{}/maps", pid)));
    std::optional<MappedSqlite> first;
    std::string before;
    std::int64_t lines = 0;
    for (std::string line; lines < max_map_lines && std::getline(maps, line); ++lines) {
        const auto file = mapped_file(line);
        const bool named = fs::path(file).filename().string().find("sqlite3") != std::string::npos;
        if (!named || file == before) {
            continue;
        }
        before = file;
        MappedSqlite mapped{file, version_in(read_library(look.at(file))).value_or("")};
        if (!mapped.version.empty()) {
            return mapped;
        }
        if (!first) {
            first = std::move(mapped);
        }
    }
    return first;
}

}  // namespace tapline::doctor
