// recognise: which revision a database is, whatever its version table says; changes nothing.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "central/catalog/finding_json.hpp"
#include "central/cli/reconcile_sql.hpp"
#include "central/cli/version_trouble.hpp"

namespace tapline::cli {

namespace {

using Json = nlohmann::ordered_json;

/// What would make the live schema the nearest revision's.
std::vector<draft::Item> reconciling(
    const Context& context, const RevisionOptions& options, const Recognition& one
) {
    if (one.is_fine() || one.nearest.heads.empty() || one.nearest.findings.empty()) {
        return {};
    }
    const revision::LineageSet set = load_needed(options);
    catalog::CheckOptions check;
    check.connect = context.connect_options();
    if (!options.directory.empty()) {
        check.directory = options.directory;
    }
    revision::AppliedHeads heads(set.size());
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (set[i].name == one.lineage) {
            heads[i] = one.nearest.heads;
        }
    }
    check.heads = heads;
    ReconcileSql sql;
    sql.listen(check);
    (void)catalog::check_database(set, check);
    return sql.about(one.nearest.findings);
}

Json one_json(const Recognition& one, const std::vector<draft::Item>& items) {
    const auto findings = Json::parse(catalog::findings_json(one.nearest.findings));
    return {
        {"lineage", to_string(one.lineage)},
        {"state", to_string(one.state)},
        {"message", words_of(one)},
        {"version_table", one.has_table},
        {"rows", one.rows},
        {"equal", one.equal},
        {"nearest", one.nearest.heads},
        {"differences", one.nearest.findings.size()},
        {"comments", one.nearest.comments},
        {"public_creates", one.nearest.public_creates},
        {"findings", findings.at("findings")},
        {"reconcile", reconcile_json(items)}};
}

void run(Context& context, const RevisionOptions& options) {
    const std::vector<Recognition> all = recognise(context, options);
    const std::string command = mending_command(all, options);
    Json list = Json::array();
    std::string text;
    for (const Recognition& one : all) {
        const std::vector<draft::Item> items = reconciling(context, options, one);
        list.push_back(one_json(one, items));
        text += fmt::format("{}: {}\n", to_string(one.lineage), words_of(one));
        if (!one.is_fine()) {
            text += catalog::findings_text(one.nearest.findings) + reconcile_text(items);
            context.exit_code = 1;
        }
        if (one.nearest.public_creates) {
            text += public_creates_text;
        }
        if (one.nearest.comments > 0 && !one.nearest.heads.empty()) {
            text += fmt::format(
                "comments that differ, which is no obstacle: {}\n", one.nearest.comments
            );
        }
    }
    const std::string mend = mending_words(all, options, "");
    text += mend.empty() ? "" : mend + '\n';
    print(
        context,
        {{"lineages", list},
         {"command", command.empty() ? Json(nullptr) : Json(command)},
         {"files_first", has_files_elsewhere(all)}},
        text
    );
}

}  // namespace

void add_recognise_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<RevisionOptions>();
    CLI::App* verb = add_revision_verb(
        app,
        context,
        "recognise",
        "which revision the schema is, whatever the version table says, and what mends that",
        *options
    );
    add_database_options(*verb, context);
    verb->footer(
        "Example:\n  tapline-central recognise --lineage app\n"
        "Changes nothing. Exit code 1: the version table doesn't fit; one command is printed."
    );
    verb->callback([&context, options] { run(context, *options); });
}

}  // namespace tapline::cli
