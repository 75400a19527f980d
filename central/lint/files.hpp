// Files of SQL -> sections: revision files by their markers, plain ones as one upgrade section.
#pragma once

#include <filesystem>
#include <string>

#include "central/lint/catalog.hpp"
#include "central/lint/lint.hpp"
#include "common/revision/file.hpp"

namespace tapline::lint {

/// Throws Error{usage, "no_such_file"}, or "file_too_large" beyond revision::max_file_bytes.
[[nodiscard]] revision::SourceFile read_file(const std::filesystem::path& path);

/// shown: how the file is called in findings. plain_transaction: whether the statements of a plain
/// file share a transaction; a revision file says so itself. Settles the catalog afterwards.
Report lint_file(
    Catalog& catalog,
    const revision::SourceFile& file,
    const std::string& shown,
    bool plain_transaction
);

/// What exists already: a plain file, a dump of pg_dump --schema-only, or a revision file's
/// upgrade. Settles the catalog.
void apply_file(Catalog& catalog, const revision::SourceFile& file, const std::string& shown);

}  // namespace tapline::lint
