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

[[noreturn]] void refuse_empty(const fs::path& directory) {
    throw Error(
        ErrorKind::usage,
        "revision_directory",
        fmt::format("there are no revision files in {}", directory.string()),
        "it holds <id>_<words>.sql files, or folders app and tapline with them; name the right one "
        "with --dir DIR, or leave --dir out for the built-in files"
    );
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

std::string in_shell_quotes(const std::string& text) {
    const bool plain = !text.empty() && text.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyz"
                                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-"
                                        ) == std::string::npos;
    if (plain) {
        return text;
    }
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return quoted + "'";
}

std::string directory_option(const std::string& directory) {
    return directory.empty() ? "" : " --dir " + in_shell_quotes(directory);
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
            std::vector<SourceFile>& files = *only == LineageName::app ? app : tapline;
            files = read_directory(*options.directory);
            if (files.empty() && options.need_files) {
                refuse_empty(*options.directory);
            }
        }
    }
    Lineage app_lineage = load(app, Dialect::postgres);
    const IdSet app_ids = ids_of(app_lineage);
    const std::string typed = options.directory ? options.directory->string() : std::string{};
    LineageSet set;
    if (only != LineageName::tapline) {
        set.push_back({LineageName::app, std::move(app_lineage), typed});
    }
    if (only != LineageName::app) {
        set.push_back({LineageName::tapline, load(tapline, Dialect::postgres, app_ids), typed});
    }
    return set;
}

}  // namespace tapline::revision
