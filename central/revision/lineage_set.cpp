#include "central/revision/lineage_set.hpp"

#include <fmt/format.h>

#include "central/revision/embedded_files.hpp"
#include "common/error.hpp"
#include "common/revision/directory.hpp"

namespace tapline::revision {

namespace {

namespace fs = std::filesystem;

std::vector<SourceFile> embedded(LineageName name) {
    return from_embedded(name == LineageName::app ? embedded_app() : embedded_tapline());
}

IdSet ids_of(const Lineage& lineage) {
    IdSet ids;
    for (const Revision& revision : lineage.revisions()) {
        ids.insert(revision.id);
    }
    return ids;
}

bool has_folder(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::none) {
        throw Error(
            ErrorKind::usage,
            "revision_directory",
            fmt::format("{} can't be looked at: {}", path.string(), error.message()),
            "check the path and its permissions"
        );
    }
    return fs::is_directory(status);
}

}  // namespace

std::string_view to_string(LineageName name) noexcept {
    return name == LineageName::app ? "app" : "tapline";
}

LineageName parse_lineage_name(const std::string& text) {
    if (text == "app") {
        return LineageName::app;
    }
    if (text == "tapline") {
        return LineageName::tapline;
    }
    throw Error(
        ErrorKind::usage,
        "unknown_lineage",
        fmt::format("there is no lineage '{}'", text),
        "write --lineage app or --lineage tapline"
    );
}

LineageSet load_lineages(const LineageOptions& options) {
    std::vector<SourceFile> app = embedded(LineageName::app);
    std::vector<SourceFile> tapline = embedded(LineageName::tapline);
    std::optional<LineageName> only = options.only;
    if (options.directory) {
        const bool has_app = has_folder(*options.directory / "app");
        const bool has_tapline = has_folder(*options.directory / "tapline");
        if (has_app) {
            app = read_directory(*options.directory / "app");
        }
        if (has_tapline) {
            tapline = read_directory(*options.directory / "tapline");
        }
        if (!has_app && !has_tapline) {
            only = only.value_or(LineageName::app);
            (*only == LineageName::app ? app : tapline) = read_directory(*options.directory);
        }
    }
    Lineage app_lineage = load(app, Dialect::postgres);
    const IdSet app_ids = ids_of(app_lineage);
    LineageSet set;
    if (only != LineageName::tapline) {
        set.push_back({LineageName::app, std::move(app_lineage)});
    }
    if (only != LineageName::app) {
        set.push_back({LineageName::tapline, load(tapline, Dialect::postgres, app_ids)});
    }
    return set;
}

}  // namespace tapline::revision
