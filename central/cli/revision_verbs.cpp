// upgrade, downgrade, stamp, ensure-version: Alembic's words, on both lineages.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/catalog/finding_json.hpp"
#include "central/cli/dry_run.hpp"
#include "central/cli/interrupt.hpp"
#include "central/cli/lint_gate.hpp"
#include "central/cli/reconcile_sql.hpp"
#include "central/cli/revision_options.hpp"
#include "central/cli/revision_text.hpp"
#include "central/cli/stamp_gate.hpp"
#include "central/cli/version_trouble.hpp"
#include "central/revision/script.hpp"
#include "common/error.hpp"
#include "common/revision/range.hpp"

namespace tapline::cli {

namespace {

using Options = std::shared_ptr<RevisionOptions>;
using revision::Direction;
using revision::LineageSet;

/// --current says where a database would be; it must not steer what runs on a real one.
void check_current(const RevisionOptions& options) {
    if (options.current && !options.show_steps) {
        throw Error(
            ErrorKind::usage,
            "current_without_show_steps",
            "--current is for --show-steps: nothing runs on a state that isn't the database's",
            "add --show-steps, or leave --current out"
        );
    }
}

void show_offline(
    const Context& context, const LineageSet& set, Direction direction, const std::string& target
) {
    const revision::OfflineSteps offline = revision::plan_set_offline(set, direction, target);
    print(context, steps_json(set, offline.from, offline.steps), steps_text(set, offline.steps));
}

/// Tables whose rows a script of downgrades must not lose, step by step.
std::vector<std::vector<std::string>> script_guards(
    const LineageSet& set, const revision::OfflineSteps& offline, const RevisionOptions& options
) {
    std::vector<std::vector<std::string>> tables(offline.steps.size());
    lint::Catalog catalog = catalog_at(set, offline.from);
    for (std::size_t i = 0; i < offline.steps.size(); ++i) {
        const revision::PartStep& step = offline.steps[i];
        if (step.step.direction == Direction::downgrade && !options.discard_rows) {
            tables[i] = dropped_tables(catalog, set[step.part], step.step);
        }
    }
    return tables;
}

void migrate(Context& context, const RevisionOptions& options, Direction direction) {
    check_current(options);
    const LineageSet set = options.load();
    const std::string& target = options.targets.front();
    if (options.sql && options.show_steps) {
        show_offline(context, set, direction, target);
        return;
    }
    if (options.sql) {
        const revision::OfflineSteps offline = revision::plan_set_offline(set, direction, target);
        if (direction == Direction::upgrade) {
            refuse_hazards(set, offline.from, offline.steps);
        }
        std::cout << revision::offline_script(set, offline, script_guards(set, offline, options));
        return;
    }
    revision::refuse_range(target);
    if (options.show_steps) {
        const revision::AppliedHeads applied = applied_heads(context, options, set);
        const revision::IdSet elsewhere =
            options.current ? revision::IdSet{}
                            : revision::Runner(set, run_options(context)).applied_elsewhere();
        const auto steps = revision::plan_set(set, applied, direction, target, elsewhere);
        print(context, steps_json(set, applied, steps), steps_text(set, steps));
        return;
    }
    revision::RunOptions run = run_options(context);
    run.discard_rows = options.discard_rows;
    run.stop = &stop_requested();
    if (direction == Direction::downgrade && !options.discard_rows) {
        run.gate = [&set, &context](const revision::AppliedHeads& applied, const auto& steps) {
            pg::Session session(context.connect_options());
            refuse_row_losses(session, set, applied, steps);
        };
    }
    if (direction == Direction::upgrade) {
        run.gate = [&](const revision::AppliedHeads& applied, const auto& steps) {
            refuse_unstamped(context, options, set, applied);
            refuse_hazards(set, applied, steps);
        };
    }
    revision::Runner runner(set, run);
    if (options.dry_run) {
        const auto json = naming_the_mend(context, options, [&] {
            return dry_run_json(runner.session(), set, runner.rehearse(direction, target));
        });
        print(context, json, dry_run_text(json));
        return;
    }
    const revision::RunReport report = naming_the_mend(context, options, [&] {
        return direction == Direction::upgrade ? runner.upgrade(target) : runner.downgrade(target);
    });
    print(context, report_json(report), report_text(set, report));
}

void add_migrate_verb(CLI::App& app, Context& context, Direction direction) {
    const auto options = std::make_shared<RevisionOptions>();
    const bool up = direction == Direction::upgrade;
    CLI::App* verb = add_revision_verb(
        app,
        context,
        up ? "upgrade" : "downgrade",
        up ? "run revisions up to a target" : "take revisions down to a target, which stays",
        *options
    );
    add_database_options(*verb, context);
    add_current_option(*verb, *options);
    options->targets = {up ? "heads" : ""};
    verb->add_option(
            "revision",
            options->targets.front(),
            "id, start of an id, branch label, head, heads, base, +N or -N, label@…; with --sql "
            "FROM:TO"
    )
        ->required(!up);
    verb->add_flag("--show-steps", options->show_steps, "print what would run, and run nothing");
    verb->add_flag(
            "--dry-run",
            options->dry_run,
            "check what a run checks first, then print each statement and its locks; run nothing"
    )
        ->excludes("--show-steps");
    verb->add_flag("--sql", options->sql, "print a script for psql, FROM:TO; no database is asked");
    if (!up) {
        verb->add_flag(
            "--discard-rows",
            options->discard_rows,
            "drop tables of the bar although they hold rows"
        );
    }
    verb->footer(
        up ? "Examples:\n  tapline-central upgrade\n  tapline-central upgrade --dry-run\n"
             "  tapline-central upgrade +1 --lineage app\n"
             "  tapline-central upgrade visits@head --show-steps\n"
             "  tapline-central upgrade heads --show-steps --dir DIR --current base"
           : "Examples:\n  tapline-central downgrade -1 --lineage tapline\n"
             "  tapline-central downgrade visits@base --show-steps\n"
             "  tapline-central downgrade base"
    );
    verb->callback([&context, options, direction] { migrate(context, *options, direction); });
}

/// With the whole list, which an Error can't carry.
void refuse_stamp(Context& context, const Parity& parity) {
    const std::vector<catalog::Finding>& findings = parity.blocking;
    const std::string message =
        fmt::format("the schema isn't what these revisions make: {} differences", findings.size());
    constexpr const char* hint =
        "nothing was stamped; put the schema right, stamp another revision, or accept what may "
        "stay: --accept 'OBJECT=REASON' for each";
    if (context.json) {
        auto list = nlohmann::ordered_json::parse(catalog::findings_json(findings));
        print(
            context,
            {{"error",
              {{"kind", "not_equal"},
               {"message", message},
               {"hint", hint},
               {"findings", list.at("findings")},
               {"reconcile", reconcile_json(parity.reconcile)}}}},
            ""
        );
    } else {
        std::cerr << catalog::findings_text(findings) << reconcile_text(parity.reconcile);
    }
    const Error error(ErrorKind::refused, "not_equal", message, hint);
    std::cerr << render_error(program_name, error);
    context.exit_code = exit_code(error.kind());
}

void stamp(Context& context, const RevisionOptions& options) {
    check_current(options);
    const LineageSet set = options.load();
    if (options.show_steps) {
        const revision::AppliedHeads rows = applied_heads(context, options, set);
        const auto parts = revision::plan_set_stamp(set, rows, options.targets, options.purge);
        print(context, stamp_json(set, parts), stamp_text(set, rows, parts));
        return;
    }
    revision::Runner runner(set, run_options(context));
    Parity parity;
    revision::StampRequest request{options.targets, options.purge, {}, {}};
    request.look = [&](const std::vector<revision::StampPart>& parts) {
        parity = compare_before_stamp(
            set, parts, context.connect_options(), options.directory, options.accept
        );
        return parity.blocking.empty();
    };
    request.beside = [&](pg::Session& session) {
        catalog::write_accepted(session, parity.accepted, revision::who());
    };
    const std::optional<revision::RunReport> report =
        naming_the_mend(context, options, [&] { return runner.stamp_if(request); });
    if (!parity.comments.empty()) {
        std::cerr << "comments differ, which is no obstacle:\n"
                  << catalog::findings_text(parity.comments);
    }
    if (parity.public_creates) {
        std::cerr << public_creates_text;
    }
    if (!report) {
        refuse_stamp(context, parity);
        return;
    }
    print(context, report_json(*report), report_text(set, *report));
}

void add_stamp_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<RevisionOptions>();
    CLI::App* verb = add_revision_verb(
        app,
        context,
        "stamp",
        "write the version without running anything, if the schema is what it says",
        *options
    );
    add_database_options(*verb, context);
    add_current_option(*verb, *options);
    verb->add_option("revision", options->targets, "ids, labels, head, heads, base, label@…")
        ->required();
    verb->add_option(
            "--accept", options->accept, "a difference that may stay, and why; kept in the database"
    )
        ->type_name("OBJECT=REASON");
    verb->add_flag("--purge", options->purge, "forget the rows that are there, known or not");
    verb->add_flag("--show-steps", options->show_steps, "print the rows to be, and write nothing");
    verb->footer(
        "Examples:\n  tapline-central stamp 0001_m1_baseline\n  tapline-central stamp --purge heads"
    );
    verb->callback([&context, options] { stamp(context, *options); });
}

void ensure_version(Context& context, const RevisionOptions& options) {
    const LineageSet set = options.load();
    pg::Session session(context.connect_options());
    revision::Ledger ledger(session);
    pg::Transaction transaction(session);
    revision::AppliedHeads applied;
    for (const revision::DatabaseLineage& one : set) {
        ledger.bootstrap(one.name);
        applied.push_back(ledger.heads(one.name));
    }
    transaction.commit();
    print(context, current_json(set, applied), current_text(set, applied, false));
}

void add_ensure_version_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<RevisionOptions>();
    CLI::App* verb = add_revision_verb(
        app, context, "ensure-version", "make the version tables where they are missing", *options
    );
    add_database_options(*verb, context);
    verb->footer("Example:\n  tapline-central ensure-version --lineage app");
    verb->callback([&context, options] { ensure_version(context, *options); });
}

}  // namespace

void add_revision_verbs(CLI::App& app, Context& context) {
    add_migrate_verb(app, context, Direction::upgrade);
    add_migrate_verb(app, context, Direction::downgrade);
    add_stamp_verb(app, context);
    add_list_verbs(app, context);
    add_new_verbs(app, context);
    add_ensure_version_verb(app, context);
    add_export_verb(app, context);
    add_init_verbs(app, context);
}

}  // namespace tapline::cli
