// current, history, heads, bases, branches, show: what there is, without changing anything. All but
// current need no database unless asked to mark or begin at what is applied.
#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/cli/revision_entries.hpp"
#include "central/cli/revision_options.hpp"
#include "central/cli/revision_text.hpp"
#include "central/cli/version_trouble.hpp"
#include "central/revision/half_done.hpp"
#include "common/error.hpp"
#include "common/revision/range.hpp"
#include "common/revision/resolve.hpp"

namespace tapline::cli {

namespace {

using revision::AppliedHeads;
using revision::LineageSet;
using Ids = std::vector<std::string>;

struct ListOptions : RevisionOptions {
    std::string range;
    bool mark_current = false;
    bool resolve_dependencies = false;
};

using Options = std::shared_ptr<ListOptions>;

void add_entries(
    std::vector<Entry>& entries,
    const revision::DatabaseLineage& one,
    const Ids& ids,
    const Ids& rows
) {
    for (const std::string& id : ids) {
        const bool current = std::find(rows.begin(), rows.end(), id) != rows.end();
        entries.push_back({&one, &one.lineage.at(id), current});
    }
}

void print_entries(
    const Context& context, const std::vector<Entry>& entries, const EntryStyle& style
) {
    print(context, entries_json(entries, style), entries_text(entries, style));
}

/// The lineages that an end of a range is about: one, or all when it names none.
std::vector<std::size_t> lineages_of(const LineageSet& set, const std::string& end) {
    const revision::Name name = revision::parse_name(end);
    const bool counts = name.symbol.empty() && !name.label;
    if (!counts && end != "current" && !(revision::is_keyword(name.symbol) && !name.label)) {
        return revision::owners_of(set, end);
    }
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < set.size(); ++i) {
        all.push_back(i);
    }
    return all;
}

void history(const Context& context, const ListOptions& options) {
    const LineageSet set = options.load();
    const auto range = revision::split_range(options.range.empty() ? ":" : options.range);
    if (!range) {
        throw Error(
            ErrorKind::usage,
            "bad_range",
            "'" + options.range + "' has no colon",
            "a range is FROM:TO, FROM: or :TO"
        );
    }
    AppliedHeads rows(set.size());
    if (options.mark_current || range->from == "current" || range->to == "current") {
        rows = applied_heads(context, options, set);
    }
    const std::vector<std::size_t> from = lineages_of(set, range->from);
    const std::vector<std::size_t> to = lineages_of(set, range->to);
    std::vector<Entry> entries;
    for (std::size_t i = set.size(); i-- > 0;) {
        if (std::find(from.begin(), from.end(), i) != from.end() &&
            std::find(to.begin(), to.end(), i) != to.end()) {
            add_entries(entries, set[i], list_range(set[i].lineage, rows[i], *range), rows[i]);
        }
    }
    print_entries(context, entries, {options.verbose, options.mark_current, false});
}

/// Those that select names, in each lineage.
template <typename Select>
void list(const Context& context, const ListOptions& options, bool children, Select select) {
    const LineageSet set = options.load();
    AppliedHeads rows(set.size());
    if (options.current) {
        rows = applied_heads(context, options, set);
    }
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < set.size(); ++i) {
        add_entries(entries, set[i], select(set[i].lineage), rows[i]);
    }
    print_entries(context, entries, {options.verbose, options.current.has_value(), children});
}

Ids branch_points(const revision::Lineage& lineage) {
    Ids found;
    for (const revision::Revision& each : lineage.revisions()) {
        if (lineage.children(each.id).size() > 1) {
            found.push_back(each.id);
        }
    }
    return found;
}

void show(const Context& context, const ListOptions& options) {
    const LineageSet set = options.load();
    std::vector<Entry> entries;
    for (const std::string& target : options.targets) {
        if (target == "current") {
            const AppliedHeads rows = applied_heads(context, options, set);
            for (std::size_t i = 0; i < set.size(); ++i) {
                (void)applied_set(set[i].lineage, rows[i]);
                add_entries(entries, set[i], rows[i], rows[i]);
            }
            continue;
        }
        for (const std::size_t index : revision::owners_of(set, target)) {
            add_entries(entries, set[index], resolve(set[index].lineage, target), {});
        }
    }
    print_entries(context, entries, {true, false, true});
}

CLI::App* add_list_verb(
    CLI::App& app, Context& context, const char* name, const char* help, const Options& options
) {
    CLI::App* verb = add_revision_verb(app, context, name, help, *options);
    add_current_option(*verb, *options);
    return verb;
}

/// A revision that commits in pieces and was cut off: the version rows say nothing of it.
void tell_half_done(
    Context& context, const LineageSet& set, nlohmann::ordered_json& json, std::string& text
) {
    pg::Session session(context.connect_options());
    revision::HalfDoneLedger ledger(session);
    for (const revision::DatabaseLineage& one : set) {
        for (const revision::HalfDone& half : ledger.all(one.name)) {
            json["half_done"].push_back(
                {{"lineage", revision::to_string(one.name)},
                 {"id", half.id},
                 {"direction", revision::to_string(half.direction)},
                 {"pieces_done", half.pieces},
                 {"began_at", half.began_at}}
            );
            text += fmt::format(
                "half way through the {} of {} since {}; the same command goes on\n",
                revision::to_string(half.direction),
                half.id,
                half.began_at
            );
            context.exit_code = 1;
        }
    }
}

void add_current_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<ListOptions>();
    CLI::App* verb = add_list_verb(app, context, "current", "where the database is", options);
    add_database_options(*verb, context);
    verb->add_flag("-v,--verbose", options->verbose, "with file, message and what stands on it");
    verb->callback([&context, options] {
        const LineageSet set = options->load();
        const AppliedHeads applied = applied_heads(context, *options, set);
        nlohmann::ordered_json json = current_json(set, applied);
        std::string text = current_text(set, applied, options->verbose);
        if (!options->current) {
            if (const auto trouble = find_trouble(context, *options, set, applied)) {
                json["trouble"] = trouble->json;
                text += trouble->text;
                context.exit_code = 1;
            }
            tell_half_done(context, set, json, text);
        }
        print(context, json, text);
    });
}

void add_history_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<ListOptions>();
    CLI::App* verb = add_list_verb(app, context, "history", "the revisions, newest first", options);
    add_database_options(*verb, context);
    verb->add_option("-r,--rev-range", options->range, "FROM:TO; ends may be left open, or current")
        ->type_name("FROM:TO");
    verb->add_flag("-v,--verbose", options->verbose, "all headers and the file");
    verb->add_flag("-i,--indicate-current", options->mark_current, "mark what is applied last");
    verb->footer(
        "Examples:\n  tapline-central history\n  tapline-central history -r current: -i\n"
        "  tapline-central history -r -3:head --lineage app"
    );
    verb->callback([&context, options] { history(context, *options); });
}

void add_heads_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<ListOptions>();
    CLI::App* verb =
        add_list_verb(app, context, "heads", "the revisions that nothing revises", options);
    verb->add_flag("-v,--verbose", options->verbose, "all headers and the file");
    verb->add_flag(
        "--resolve-dependencies",
        options->resolve_dependencies,
        "leave out those that another revision depends on"
    );
    verb->callback([&context, options] {
        list(context, *options, false, [&](const revision::Lineage& lineage) {
            return options->resolve_dependencies ? lineage.real_heads() : lineage.heads();
        });
    });
}

void add_bases_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<ListOptions>();
    CLI::App* verb =
        add_list_verb(app, context, "bases", "the revisions that revise nothing", options);
    verb->add_flag("-v,--verbose", options->verbose, "all headers and the file");
    verb->callback([&context, options] {
        list(context, *options, false, [](const revision::Lineage& lineage) {
            return lineage.bases();
        });
    });
}

void add_branches_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<ListOptions>();
    CLI::App* verb =
        add_list_verb(app, context, "branches", "where branches part, and into what", options);
    verb->add_flag("-v,--verbose", options->verbose, "all headers and the file");
    verb->callback([&context, options] { list(context, *options, true, branch_points); });
}

void add_show_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<ListOptions>();
    CLI::App* verb = add_list_verb(app, context, "show", "everything about revisions", options);
    add_database_options(*verb, context);
    verb->add_option("revision", options->targets, "ids, labels, head, heads, label@…, current")
        ->required();
    verb->footer("Examples:\n  tapline-central show head\n  tapline-central show 0001");
    verb->callback([&context, options] { show(context, *options); });
}

}  // namespace

void add_list_verbs(CLI::App& app, Context& context) {
    add_current_verb(app, context);
    add_history_verb(app, context);
    add_heads_verb(app, context);
    add_bases_verb(app, context);
    add_branches_verb(app, context);
    add_show_verb(app, context);
}

}  // namespace tapline::cli
