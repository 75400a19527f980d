// lint: what revisions and SQL files would do to a bar that is open.
#include "central/lint/lint.hpp"

#include <filesystem>
#include <iostream>
#include <memory>
#include <set>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/cli/context.hpp"
#include "central/lint/files.hpp"
#include "central/revision/lineage_set.hpp"
#include "central/revision/plan_set.hpp"
#include "common/error.hpp"
#include "common/revision/resolve.hpp"

namespace tapline::cli {

namespace {

namespace fs = std::filesystem;

struct LintOptions {
    std::vector<std::string> targets;
    std::string schema;
    std::string before;
    std::string directory;
    std::string lineage;
    bool no_transaction = false;
};

/// One run of the verb: the catalog grows from target to target.
class Linting {
  public:
    explicit Linting(const LintOptions& options) : options_(options) {}

    lint::Report run();

  private:
    void lint_revisions(const std::string& target);
    void apply_needs(const revision::LineageSet& set, const revision::IdSet& targets);
    [[nodiscard]] const revision::LineageSet& lineages();

    const LintOptions& options_;
    std::optional<revision::LineageSet> set_;
    revision::IdSet seen_;
    lint::Catalog catalog_;
    lint::Report report_;
};

bool is_file(const std::string& target) {
    return target.ends_with(".sql") || target.find('/') != std::string::npos ||
           fs::is_regular_file(target);
}

const revision::LineageSet& Linting::lineages() {
    if (!set_) {
        revision::LineageOptions options;
        if (!options_.directory.empty()) {
            options.directory = options_.directory;
        }
        if (!options_.lineage.empty()) {
            options.only = revision::parse_lineage_name(options_.lineage);
        }
        set_ = revision::load_lineages(options);
    }
    return *set_;
}

/// A revision runs on top of everything that it needs, in its own lineage and elsewhere.
void Linting::apply_needs(const revision::LineageSet& set, const revision::IdSet& targets) {
    revision::IdSet wanted = targets;
    for (std::size_t i = set.size(); i-- > 0;) {
        std::vector<std::string> here;
        for (const std::string& id : wanted) {
            if (set[i].lineage.find(id) != nullptr) {
                here.push_back(id);
            }
        }
        for (const std::string& id : set[i].lineage.with_ancestors(here)) {
            wanted.insert(id);
            for (const std::string& other : set[i].lineage.needs_elsewhere(id)) {
                wanted.insert(other);
            }
        }
    }
    for (const revision::DatabaseLineage& one : set) {
        for (const revision::Revision& each : one.lineage.revisions()) {
            if (!wanted.contains(each.id) || !seen_.insert(each.id).second) {
                continue;
            }
            if (targets.contains(each.id)) {
                report_.append(lint::lint_revision(catalog_, each));
            } else if (options_.schema.empty()) {
                lint::apply(catalog_, each.upgrade, each.file);
                catalog_.settle();
            }
        }
    }
}

void Linting::lint_revisions(const std::string& target) {
    const revision::LineageSet& set = lineages();
    revision::IdSet targets;
    for (const std::size_t index : revision::owners_of(set, target)) {
        for (const std::string& id : revision::resolve(set[index].lineage, target)) {
            targets.insert(id);
        }
    }
    apply_needs(set, targets);
}

lint::Report Linting::run() {
    for (const std::string& context : {options_.schema, options_.before}) {
        if (!context.empty()) {
            lint::apply_file(catalog_, lint::read_file(context), context);
        }
    }
    for (const std::string& target : options_.targets) {
        if (is_file(target)) {
            report_.append(
                lint::lint_file(catalog_, lint::read_file(target), target, !options_.no_transaction)
            );
        } else {
            lint_revisions(target);
        }
    }
    return std::move(report_);
}

nlohmann::ordered_json report_json(const lint::Report& report) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const lint::Finding& each : report.findings) {
        list.push_back(
            {{"file", each.file},
             {"line", each.line},
             {"hazard", lint::to_string(each.hazard)},
             {"severity", lint::to_string(each.severity)},
             {"object", each.object},
             {"lock", lint::to_string(each.lock)},
             {"message", each.message},
             {"safe_way", each.safe_way}}
        );
    }
    return {{"findings", list}};
}

std::string report_text(const lint::Report& report) {
    std::string text;
    std::size_t blocking = 0;
    for (const lint::Finding& each : report.findings) {
        const bool back = each.direction == revision::Direction::downgrade;
        blocking += each.severity == lint::Severity::block ? 1 : 0;
        text += fmt::format(
            "{}:{}: {} {}: {}{}{}\n    {}\n    instead: {}\n",
            each.file,
            each.line,
            lint::to_string(each.severity),
            lint::to_string(each.hazard),
            each.object,
            each.lock == lint::Lock::none ? "" : fmt::format(" ({})", lint::to_string(each.lock)),
            back ? ", on the way back" : "",
            each.message,
            each.safe_way
        );
    }
    for (const lint::UnusedAllowance& each : report.unused) {
        text += fmt::format(
            "{}:{}: 'allow {}' silences nothing; take it out\n", each.file, each.line, each.hazard
        );
    }
    return text + fmt::format("{} findings, {} of them block\n", report.findings.size(), blocking);
}

}  // namespace

void add_lint_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<LintOptions>();
    CLI::App* verb =
        app.add_subcommand("lint", "what revisions or SQL files would do to a bar that is open");
    add_json_option(*verb, context);
    verb->add_option("--schema", options->schema, "SQL of what exists already, with rows in it")
        ->type_name("FILE.sql");
    verb->add_option("--before", options->before, "SQL of revisions applied before")
        ->type_name("FILE.sql");
    verb->add_flag(
        "--no-transaction",
        options->no_transaction,
        "a plain SQL file runs with transaction=off, each statement alone"
    );
    verb->add_option("--dir", options->directory, "directory of revision files")->type_name("DIR");
    verb->add_option("--lineage", options->lineage, "only this lineage: app or tapline");
    verb->add_option("target", options->targets, "SQL files, revision files, ids of revisions")
        ->required()
        ->type_name("FILE.sql|REVISION");
    verb->footer(
        "Examples:\n"
        "  tapline-central lint migrations/postgres/app/0002_tail.sql\n"
        "  tapline-central lint --schema schema.sql --json change.sql\n"
        "A finding is silenced by '-- tapline: allow <hazard>: <reason>' before its statement.\n"
        "Exit codes: 0 nothing blocks, 1 a finding blocks, 2 usage or broken SQL."
    );
    verb->callback([&context, options] {
        const lint::Report report = Linting(*options).run();
        if (context.json) {
            // A file's name may be any bytes.
            std::cout << report_json(report).dump(
                             -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace
                         )
                      << '\n';
        } else {
            std::cout << report_text(report);
        }
        context.exit_code = report.blocks() ? 1 : 0;
    });
}

}  // namespace tapline::cli
