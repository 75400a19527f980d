// export-alembic: stub files for a project of the real Alembic, so that it knows the revisions that
// tapline applied to the bar's schema.
#include <fstream>
#include <memory>
#include <regex>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "central/cli/revision_file.hpp"
#include "central/cli/revision_options.hpp"
#include "common/error.hpp"

namespace tapline::cli {

namespace {

namespace fs = std::filesystem;
using revision::Revision;

constexpr std::size_t max_script_bytes = 4U << 20U;

/// A Python string literal; ids and labels are plain, messages may hold anything but line breaks.
std::string python_text(std::string_view text) {
    std::string literal = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            literal.push_back('\\');
        }
        literal.push_back(c == '\n' || c == '\r' ? ' ' : c);
    }
    return literal + "\"";
}

/// None, "one", or ("one", "two").
std::string tuple_of(const std::vector<std::string>& values) {
    if (values.empty()) {
        return "None";
    }
    std::vector<std::string> literals;
    for (const std::string& value : values) {
        literals.push_back(python_text(value));
    }
    return values.size() == 1 ? literals.front() : fmt::format("({})", fmt::join(literals, ", "));
}

/// A section without statements may be "run" by Alembic; any other would only move the version.
std::string body_of(const revision::Section& section, const Revision& revision) {
    if (section.statements.empty() && !revision.irreversible) {
        return "    pass\n";
    }
    return fmt::format(
        "    raise RuntimeError({})\n",
        python_text(fmt::format(
            "{} is run by tapline-central; its SQL is in {}", revision.id, revision.file
        ))
    );
}

std::string stub(const Revision& revision) {
    return fmt::format(
        "{0}\n\n"
        "# Written by `tapline-central export-alembic`: Alembic finds the revision here, and its "
        "SQL\n"
        "# is in {1}, which tapline-central runs.\n"
        "revision = {2}\n"
        "down_revision = {3}\n"
        "branch_labels = {4}\n"
        "depends_on = {5}\n\n\n"
        "def upgrade():\n{6}\n\n"
        "def downgrade():\n{7}",
        python_text(revision.message.empty() ? revision.id : revision.message),
        revision.file,
        python_text(revision.id),
        tuple_of(revision.revises),
        tuple_of(revision.branch_labels),
        tuple_of(revision.depends_on),
        body_of(revision.upgrade, revision),
        body_of(revision.downgrade, revision)
    );
}

/// Where Alembic looks: the directory's `versions`, or the directory itself when it is one.
fs::path versions_directory(const std::string& text) {
    const fs::path root = text;
    const fs::path versions = root / "versions";
    if (fs::is_directory(versions)) {
        return versions;
    }
    if (!fs::is_directory(root) || fs::exists(root / "alembic.ini")) {
        throw Error(
            ErrorKind::usage,
            "no_directory",
            fmt::format("{} holds no Alembic revisions", root.string()),
            "name the directory of the project that has env.py and versions/, or versions/ itself"
        );
    }
    return root;
}

/// The ids that the files of the directory say they are; also of the spelling `revision: str = `.
revision::IdSet ids_in(const fs::path& versions) {
    static const std::regex assignment(R"(^revision\s*(?::\s*str\s*)?=\s*["']([^"']+)["'])");
    revision::IdSet ids;
    for (const fs::directory_entry& entry : fs::directory_iterator(versions)) {
        if (entry.path().extension() != ".py") {
            continue;
        }
        std::istringstream lines(read_file(entry.path().string(), max_script_bytes));
        for (std::string line; std::getline(lines, line);) {
            std::smatch match;
            if (std::regex_search(line, match, assignment)) {
                ids.insert(match[1]);
            }
        }
    }
    return ids;
}

void export_alembic(const Context& context, const RevisionOptions& options) {
    const fs::path versions = versions_directory(options.targets.front());
    RevisionOptions app = options;
    app.lineage = options.lineage.empty() ? "app" : options.lineage;
    const revision::LineageSet set = app.load();
    const revision::IdSet there = ids_in(versions);
    std::vector<std::string> written;
    for (const Revision& each : set.front().lineage.revisions()) {
        if (there.contains(each.id)) {
            continue;
        }
        const std::string name = fs::path(each.file).stem().string() + ".py";
        write_new_file(versions, name, stub(each));
        written.push_back((versions / name).string());
    }
    print(
        context,
        {{"written", written}, {"there", std::vector<std::string>(there.begin(), there.end())}},
        written.empty() ? "Alembic knows all revisions\n"
                        : fmt::format("{}\n", fmt::join(written, "\n"))
    );
}

}  // namespace

void add_export_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<RevisionOptions>();
    CLI::App* verb = add_revision_verb(
        app, context, "export-alembic", "tell a project of Alembic about our revisions", *options
    );
    options->targets = {""};
    verb->add_option("directory", options->targets.front(), "with env.py and versions/")
        ->required();
    verb->footer("Example:\n  tapline-central export-alembic ~/bar/backend/alembic");
    verb->callback([&context, options] { export_alembic(context, *options); });
}

}  // namespace tapline::cli
