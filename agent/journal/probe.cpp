#include "agent/journal/probe.hpp"

#include <fstream>
#include <string>
#include <string_view>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

namespace tapline::journal {

namespace {

constexpr const char* sql_pours =
    "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'pours'";
constexpr std::size_t max_wal_bytes = std::size_t{1024} * 1024;

/// RFC 3986: everything but letters, digits and a few marks as %XX.
std::string uri_of(const std::filesystem::path& file) {
    std::string uri = "file:";
    for (const char c : std::filesystem::absolute(file).string()) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '_' || c == '-';
        uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    // immutable: neither locks nor the -wal, so nothing is made beside the file (uri.html 3.3).
    return uri + "?mode=ro&immutable=1";
}

bool in_the_file(const std::filesystem::path& file) {
    try {
        SQLite::Database database(uri_of(file), SQLite::OPEN_READONLY | SQLite::OPEN_URI);
        SQLite::Statement statement(database, sql_pours);
        return statement.executeStep();
    } catch (const SQLite::Exception&) {
        return false;  // damaged, encrypted, or another program's: no journal that we could name
    }
}

/// A program that made its table and was killed before a checkpoint left an empty file.
bool in_the_wal(const std::filesystem::path& file) {
    std::ifstream wal(file.string() + "-wal", std::ios::binary);
    std::string bytes(max_wal_bytes, '\0');
    wal.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(wal.gcount()));
    for (const auto* made : {"CREATE TABLE pours", "CREATE TABLE \"pours\""}) {
        if (bytes.find(made) != std::string::npos) {
            return true;
        }
    }
    return false;
}

}  // namespace

bool holds_pours(const std::filesystem::path& file) {
    return in_the_file(file) || in_the_wal(file);
}

}  // namespace tapline::journal
