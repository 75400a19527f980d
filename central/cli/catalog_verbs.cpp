// diff, snapshot, check: what a database's schema is, against what it should be.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/catalog/accepted.hpp"
#include "central/catalog/expectation.hpp"
#include "central/catalog/finding_json.hpp"
#include "central/catalog/read.hpp"
#include "central/cli/context.hpp"
#include "central/cli/private_server.hpp"
#include "central/cli/reconcile_sql.hpp"
#include "central/cli/version_trouble.hpp"
#include "central/draft/reconcile.hpp"
#include "common/error.hpp"

namespace tapline::cli {

namespace {

namespace fs = std::filesystem;

constexpr int negative_finding = 1;
constexpr const char* default_directory = "migrations/postgres";

struct CatalogOptions {
    std::string from;
    std::string to;
    std::string directory;
    std::string lineage;
    bool sql = false;

    [[nodiscard]] std::optional<revision::LineageName> only() const {
        return lineage.empty() ? std::nullopt
                               : std::optional(revision::parse_lineage_name(lineage));
    }
};

using Options = std::shared_ptr<CatalogOptions>;

revision::LineageSet load(const CatalogOptions& options) {
    RevisionOptions files;
    files.lineage = options.lineage;
    files.directory = options.directory;
    return load_needed(files);
}

void add_lineage_options(CLI::App& verb, const Options& options) {
    verb.add_option("--lineage", options->lineage, "only this lineage: app or tapline");
    verb.add_option(
            "--dir",
            options->directory,
            "directory of revision files and their snapshots, instead of the built-in ones"
    )
        ->type_name("DIR");
}

/// accepted: how many a check let stand; nullopt: nothing was accepted or not, as in `diff`.
void report(
    Context& context,
    const std::vector<catalog::Finding>& findings,
    std::optional<std::size_t> accepted = std::nullopt
) {
    if (context.json) {
        auto json = nlohmann::ordered_json::parse(catalog::findings_json(findings));
        if (accepted) {
            json["accepted"] = *accepted;
        }
        std::cout << json.dump() << '\n';
    } else {
        std::cout << catalog::findings_text(findings)
                  << (findings.empty() ? std::string("no differences\n")
                                       : fmt::format("{} differences\n", findings.size()));
    }
    if (!findings.empty()) {
        context.exit_code = negative_finding;
    }
}

pg::ConnectOptions options_for(const std::string& flag, const std::string& text) {
    pg::ConnectOptions options;
    options.url = pg::database_url_from_flag(text, flag).url;
    options.application_name = program_name;
    return options;
}

void run_diff(Context& context, const CatalogOptions& options) {
    const catalog::Catalog expected = catalog::read_catalog(options_for("--from", options.from));
    const catalog::Catalog found =
        catalog::read_catalog(options_for("--to", options.to), expected.owners);
    if (expected.server_major != found.server_major) {
        std::cerr << fmt::format(
            "note: PostgreSQL {} and {} may print the same definition differently\n",
            expected.server_major,
            found.server_major
        );
    }
    report(context, catalog::compare(expected, found));
}

void tell_about_comments(const std::vector<catalog::Finding>& findings) {
    const auto comments = std::count_if(findings.begin(), findings.end(), catalog::is_comment_only);
    if (comments > 0) {
        std::cerr << fmt::format(
            "{} of {} differences are comments only, which is no drift\n", comments, findings.size()
        );
    }
}

/// An ORM makes tables at the application's start, and nothing in the schema says so.
void tell_about_tables(const std::vector<catalog::Finding>& findings) {
    std::string tables;
    for (const catalog::Finding& finding : findings) {
        if (finding.change == catalog::Change::added && finding.object.starts_with("table ") &&
            finding.object.find(' ', 6) == std::string::npos) {
            tables += (tables.empty() ? "" : ", ") + finding.object.substr(6);
        }
    }
    if (!tables.empty()) {
        std::cerr << fmt::format(
            "no revision made {}: was it the application's create_all? Take CREATE from its role "
            "(`tapline-central grants --app-role ROLE`), and make them by a revision\n",
            tables
        );
    }
}

void run_check(Context& context, const CatalogOptions& options) {
    catalog::CheckOptions check;
    check.connect = context.connect_options();
    check.only = options.only();
    if (!options.directory.empty()) {
        check.directory = options.directory;
    }
    std::size_t stand = 0;
    check.stands = [&](const catalog::Finding&) { ++stand; };
    ReconcileSql sql;
    if (options.sql) {
        sql.listen(check);
    }
    RevisionOptions files;
    files.lineage = options.lineage;
    files.directory = options.directory;
    const std::vector<catalog::Finding> findings = naming_the_mend(context, files, [&] {
        {
            pg::Session session(check.connect);
            check.accepted = catalog::read_accepted(session);
        }
        return catalog::check_database(load(options), check);
    });
    if (options.sql) {
        const std::vector<draft::Item> items = sql.about(findings);
        print(context, {{"reconcile", reconcile_json(items)}}, draft::script_of(items));
        context.exit_code = findings.empty() ? 0 : 1;
    } else {
        report(context, findings, stand);
    }
    if (std::all_of(findings.begin(), findings.end(), catalog::is_comment_only)) {
        context.exit_code = 0;
    }
    tell_about_comments(findings);
    tell_about_tables(findings);
    if (stand > 0) {
        std::cerr << fmt::format(
            "{} accepted difference{} let stand; `tapline-central accepted` lists them\n",
            stand,
            stand == 1 ? "" : "s"
        );
    }
}

void run_snapshot(Context& context, CatalogOptions options) {
    if (options.directory.empty()) {
        options.directory = default_directory;
    }
    if (!fs::is_directory(options.directory)) {
        throw Error(
            ErrorKind::usage,
            "no_directory",
            fmt::format("there is no directory {} to put snapshots into", options.directory),
            "name it with --dir DIR, or run this in the source tree"
        );
    }
    const revision::LineageSet set = load(options);
    const std::optional<revision::LineageName> only = options.only();
    std::optional<PrivateServer> server;
    const pg::ConnectOptions connect = server_or_private(context, server);
    nlohmann::ordered_json written = nlohmann::ordered_json::array();
    for (const catalog::Snapshot& snapshot : catalog::make_snapshots(set, connect)) {
        const revision::LineageName name = revision::parse_lineage_name(snapshot.lineage);
        if (only && *only != name) {
            continue;
        }
        const fs::path file = catalog::snapshot_directory(options.directory, name) /
                              catalog::snapshot_file_name(snapshot.heads);
        catalog::write_snapshot(file, snapshot);
        written.push_back(
            {{"lineage", snapshot.lineage},
             {"heads", snapshot.heads},
             {"file", file.string()},
             {"objects", snapshot.catalog.objects.size()}}
        );
        if (!context.json) {
            std::cout << fmt::format(
                "{}: {} objects\n", file.string(), snapshot.catalog.objects.size()
            );
        }
    }
    if (context.json) {
        std::cout << nlohmann::ordered_json{{"snapshots", written}}.dump() << '\n';
    }
}

}  // namespace

void add_catalog_verbs(CLI::App& app, Context& context) {
    const auto options = std::make_shared<CatalogOptions>();
    CLI::App* check = app.add_subcommand(
        "check", "compare the database with what its revisions make; 1 when it differs"
    );
    add_common_options(*check, context);
    add_lineage_options(*check, options);
    check->footer("Example:\n  tapline-central check --json");
    check->add_flag("--sql", options->sql, "print the SQL that would take the differences away");
    check->callback([&context, options] { run_check(context, *options); });

    CLI::App* diff =
        app.add_subcommand("diff", "compare the schemas of two databases; 1 when they differ");
    add_json_option(*diff, context);
    diff->add_option("--from", options->from, "the database as it should be, without a password")
        ->type_name("URL")
        ->required();
    diff->add_option("--to", options->to, "the database to look at, without a password")
        ->type_name("URL")
        ->required();
    diff->footer(
        "Example:\n  tapline-central diff --from postgresql:///bar_copy --to postgresql:///bar"
    );
    diff->callback([&context, options] { run_diff(context, *options); });

    CLI::App* snapshot = app.add_subcommand(
        "snapshot", "run the revisions in a scratch database and write down what they make"
    );
    add_common_options(*snapshot, context);
    add_lineage_options(*snapshot, options);
    snapshot->footer(
        "Examples:\n  tapline-central snapshot --dir migrations/postgres\nThe scratch database is "
        "made on the server of DATABASE_URL, else on a private one."
    );
    snapshot->callback([&context, options] { run_snapshot(context, *options); });
}

}  // namespace tapline::cli
