#include "central/lint/files.hpp"

#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::lint {

namespace {

using revision::Dialect;
using revision::SourceFile;
using revision::TransactionControl;

/// pg_dump writes \restrict, \unrestrict and \connect lines, which are psql's and say nothing here.
std::string without_psql_lines(const std::string& bytes) {
    std::istringstream lines(bytes);
    std::string result;
    for (std::string line; std::getline(lines, line);) {
        const bool psql = line.starts_with("\\restrict ") || line.starts_with("\\unrestrict ") ||
                          line.starts_with("\\connect ");
        result += (psql ? "" : line) + "\n";
    }
    return result;
}

}  // namespace

SourceFile read_file(const std::filesystem::path& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    std::ifstream in(path, std::ios::binary);
    if (error || !in) {
        throw Error(
            ErrorKind::usage,
            "no_such_file",
            fmt::format("{} can't be read", path.string()),
            "name a .sql file, or the id of a revision"
        );
    }
    if (size > revision::max_file_bytes) {
        throw Error(
            ErrorKind::usage,
            "file_too_large",
            fmt::format(
                "{} has {} bytes, {} at most", path.string(), size, revision::max_file_bytes
            ),
            "split it"
        );
    }
    std::ostringstream bytes;
    bytes << in.rdbuf();
    return {path.filename().string(), bytes.str()};
}

Report lint_file(
    Catalog& catalog, const SourceFile& file, const std::string& shown, bool plain_transaction
) {
    if (revision::has_sections(file, Dialect::postgres)) {
        revision::Revision revision =
            revision::parse(file, Dialect::postgres, TransactionControl::keep);
        revision.file = shown;
        return lint_revision(catalog, revision);
    }
    revision::Section section =
        revision::parse_plain({shown, file.bytes}, Dialect::postgres, TransactionControl::keep);
    section.transaction = plain_transaction;
    Report report = lint_section(catalog, section, {shown, revision::Direction::upgrade});
    catalog.settle();
    return report;
}

void apply_file(Catalog& catalog, const SourceFile& file, const std::string& shown) {
    if (revision::has_sections(file, Dialect::postgres)) {
        apply(
            catalog,
            revision::parse(file, Dialect::postgres, TransactionControl::keep).upgrade,
            shown
        );
    } else {
        apply(
            catalog,
            revision::parse_plain(
                {shown, without_psql_lines(file.bytes)}, Dialect::postgres, TransactionControl::keep
            ),
            shown
        );
    }
    catalog.settle();
}

}  // namespace tapline::lint
