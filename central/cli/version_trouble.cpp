#include "central/cli/version_trouble.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/catalog/accepted.hpp"
#include "central/catalog/expectation.hpp"
#include "central/catalog/read.hpp"

namespace tapline::cli {

namespace {

using revision::LineageName;
using revision::StateHeads;
using revision::VersionState;

/// Of chains that were deleted: nobody has files with these ids.
constexpr std::array<std::string_view, 2> ids_of_the_field{"57c6ac405ef5", "a04b8900ce88"};

/// More than this are put right, not accepted.
constexpr std::size_t most_accepted = 12;

// The owner of what revisions change; schema public's may be the role pg_database_owner.
constexpr std::string_view owner_sql =
    "SELECT pg_get_userbyid(coalesce("
    "(SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = 'public' AND c.relname = 'alembic_version'), "
    "(SELECT nspowner FROM pg_namespace WHERE nspname = 'tapline'), d.datdba)), session_user "
    "FROM pg_database d WHERE d.datname = current_database()";
constexpr std::string_view has_tables_sql =
    "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'tapline' "
    "AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' "
    "AND c.relname <> 'alembic_version')";

std::string shown(const StateHeads& heads) {
    return heads.empty() ? "nothing at all" : fmt::format("{}", fmt::join(heads, " and "));
}

Recognition recognise_one(
    const revision::LineageSet& set,
    std::size_t index,
    const catalog::Catalog& live,
    catalog::LikenessOptions options,
    revision::Ledger& ledger
) {
    Recognition one;
    one.lineage = set[index].name;
    one.has_table = ledger.has_table(one.lineage);
    one.rows = ledger.heads(one.lineage);
    options.rows = one.rows;
    std::ranges::copy_if(one.rows, std::back_inserter(one.unknown), [&](const std::string& id) {
        return set[index].lineage.find(id) == nullptr;
    });
    const auto all = catalog::likenesses(set, index, live, options);
    for (const catalog::Likeness& each : all) {
        if (each.equal()) {
            one.equal.push_back(each.heads);
        }
    }
    one.nearest = *std::min_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
        if (a.equal() != b.equal()) {
            return a.equal();
        }
        return !a.equal() && a.distance < b.distance;
    });
    one.state = revision::judge_version(set[index].lineage, one.has_table, one.rows, one.equal);
    if (one.rows.empty() && one.nearest.heads.empty()) {
        one.state = VersionState::fresh;  // tables of somebody else's at most
    }
    return one;
}

std::string claim_words(const Recognition& one) {
    const std::string rows = fmt::format("{}", fmt::join(one.rows, ", "));
    switch (one.state) {
        case VersionState::fits:
            return fmt::format("the version table says {}, and the schema is that", rows);
        case VersionState::fresh:
            return "nothing is applied and nothing of it is there";
        case VersionState::missing:
            return "there is no version table";
        case VersionState::empty:
            return "the version table is empty";
        case VersionState::several:
            return fmt::format(
                "the version table has {} rows that can't stand together: {}", one.rows.size(), rows
            );
        case VersionState::unknown:
            return fmt::format("the version table says {}, and no file has that id", rows);
        case VersionState::ahead:
            return fmt::format("stamped ahead: the version table says {}", rows);
        case VersionState::behind:
            return fmt::format("stamped behind: the version table says {}", rows);
        case VersionState::wrong:
            return fmt::format("stamped falsely: the version table says {}", rows);
    }
    return rows;
}

bool looks_untouched(const Context& context) {
    pg::Session session(context.connect_options());
    return !session.run(has_tables_sql)[0].boolean(0);
}

bool has_unknown(const revision::LineageSet& set, const revision::AppliedHeads& applied) {
    for (std::size_t i = 0; i < set.size(); ++i) {
        for (const std::string& id : applied[i]) {
            if (set[i].lineage.find(id) == nullptr) {
                return true;
            }
        }
    }
    return false;
}

bool app_is_at_base(const revision::LineageSet& set, const revision::AppliedHeads& applied) {
    return set.front().name == LineageName::app && applied.front().empty();
}

std::string all_words(const std::vector<Recognition>& all) {
    std::string text;
    for (const Recognition& one : all) {
        if (!one.is_fine()) {
            text += fmt::format(
                "{}{}: {}", text.empty() ? "" : "; ", to_string(one.lineage), words_of(one)
            );
        }
    }
    return text;
}

}  // namespace

revision::LineageSet load_needed(const RevisionOptions& options) {
    RevisionOptions needed = options;
    const bool parted = options.directory.empty() ||
                        std::filesystem::is_directory(options.directory + "/app") ||
                        std::filesystem::is_directory(options.directory + "/tapline");
    if (parted && options.lineage != "app") {
        needed.lineage.clear();
    }
    return needed.load();
}

std::vector<Recognition> recognise(const Context& context, const RevisionOptions& options) {
    const revision::LineageSet set = load_needed(options);
    catalog::LikenessOptions like;
    like.connect = context.connect_options();
    if (!options.directory.empty()) {
        like.directory = options.directory;
    }
    pg::Session session(like.connect);
    revision::Ledger ledger(session);
    like.accepted = catalog::read_accepted(session);
    const catalog::Parts live = catalog::split(catalog::read_catalog(like.connect));
    std::vector<Recognition> all;
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (options.lineage.empty() ||
            revision::parse_lineage_name(options.lineage) == set[i].name) {
            const catalog::Catalog& part =
                set[i].name == LineageName::app ? live.app : live.tapline;
            Recognition one = recognise_one(set, i, part, like, ledger);
            if (!one.is_fine() && one.nearest.heads.empty() && !one.nearest.equal()) {
                catalog::CheckOptions check;
                check.connect = like.connect;
                check.directory = like.directory;
                one.other_files = !catalog::left_behind(set, i, check).empty();
            }
            all.push_back(std::move(one));
        }
    }
    return all;
}

std::string mending_command(const std::vector<Recognition>& all, const RevisionOptions& options) {
    std::string targets;
    std::string extra;
    bool to_base = false;
    for (const Recognition& one : all) {
        if (one.is_fine() || to_base || one.other_files) {
            continue;
        }
        if (one.nearest.heads.empty()) {
            // `base` alone would mean every lineage.
            if (targets.empty()) {
                targets = fmt::format(" base --lineage {}", to_string(one.lineage));
                to_base = true;
            }
            continue;
        }
        targets += fmt::format(" {}", fmt::join(one.nearest.heads, " "));
        if (one.nearest.findings.size() <= most_accepted) {
            for (const catalog::Finding& finding : one.nearest.findings) {
                extra += " --accept " + revision::in_shell_quotes(finding.object + "=WHY");
            }
        }
    }
    if (targets.empty()) {
        return {};
    }
    if (!options.lineage.empty() && !to_base) {
        extra += " --lineage " + options.lineage;
    }
    return "tapline-central stamp --purge" + targets + extra +
           revision::directory_option(options.directory);
}

bool has_files_elsewhere(const std::vector<Recognition>& all) {
    return std::any_of(all.begin(), all.end(), [](const Recognition& one) {
        return std::any_of(one.unknown.begin(), one.unknown.end(), [](const std::string& id) {
            return std::find(ids_of_the_field.begin(), ids_of_the_field.end(), id) ==
                   ids_of_the_field.end();
        });
    });
}

std::string mending_words(
    const std::vector<Recognition>& all, const RevisionOptions& options, const char* quote
) {
    const std::string command = mending_command(all, options);
    std::string text;
    if (has_files_elsewhere(all)) {
        text = options.directory.empty() ? "name your files with --dir DIR"
                                         : "name the right files with --dir DIR";
        text += command.empty() ? "" : "; only if none have that id any more, ";
    }
    if (!command.empty()) {
        text += fmt::format("mend it: {1}{0}{1}", command, quote);
    }
    return text;
}

std::string words_of(const Recognition& one) {
    std::string text = claim_words(one);
    if (one.is_fine()) {
        return text;
    }
    if (one.equal.empty()) {
        text += fmt::format(
            "; the schema is no revision's, the nearest is {} with {} difference{}",
            shown(one.nearest.heads),
            one.nearest.findings.size(),
            one.nearest.findings.size() == 1 ? "" : "s"
        );
        return one.other_files ? text +
                                     "; tables of the bar are there, so it isn't base either: "
                                     "are these the right files (--dir DIR)?"
                               : text;
    }
    text += fmt::format("; the schema is {}", shown(one.equal.front()));
    for (std::size_t i = 1; i < one.equal.size(); ++i) {
        text += fmt::format(" or {}", shown(one.equal[i]));
    }
    return text + (one.equal.size() > 1 ? ", which differ in data only" : "");
}

std::optional<Trouble> find_trouble(
    const Context& context,
    const RevisionOptions& options,
    const revision::LineageSet& set,
    const revision::AppliedHeads& applied
) {
    const bool unknown = has_unknown(set, applied);
    if (!unknown && (!app_is_at_base(set, applied) || looks_untouched(context))) {
        return std::nullopt;
    }
    const std::vector<Recognition> all = recognise(context, options);
    const std::string words = all_words(all);
    if (words.empty()) {
        return std::nullopt;
    }
    const auto first =
        std::find_if(all.begin(), all.end(), [](const Recognition& one) { return !one.is_fine(); });
    const std::string command = mending_command(all, options);
    const std::string mend = mending_words(all, options, "");
    return Trouble{
        {{"state", to_string(first->state)},
         {"message", words},
         {"command",
          command.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(command)},
         {"files_first", has_files_elsewhere(all)}},
        fmt::format("{}\n{}{}", words, mend, mend.empty() ? "" : "\n")};
}

void refuse_unstamped(
    const Context& context,
    const RevisionOptions& options,
    const revision::LineageSet& set,
    const revision::AppliedHeads& applied
) {
    if (!app_is_at_base(set, applied) || looks_untouched(context)) {
        return;
    }
    RevisionOptions app = options;
    app.lineage = "app";
    const std::vector<Recognition> all = recognise(context, app);
    if (all.empty() || all.front().is_fine()) {
        return;
    }
    throw Error(
        ErrorKind::refused,
        "unstamped",
        fmt::format("nothing was run: {}", words_of(all.front())),
        fmt::format("`{}` says so, then run this again", mending_command(all, options))
    );
}

bool may_be_misplaced(const Error& error) {
    // duplicate and undefined: table, column, object
    constexpr std::array<std::string_view, 6> states{
        "42P07", "42701", "42710", "42P01", "42703", "42704"};
    return std::find(states.begin(), states.end(), error.sqlstate()) != states.end();
}

void throw_with_mend(const Context& context, const RevisionOptions& options, const Error& error) {
    std::string hint;
    try {
        const std::vector<Recognition> all = recognise(context, options);
        const std::string mend = mending_words(all, options, "`");
        const std::string words = all_words(all);
        if (words.empty()) {
            hint = error.hint();
        } else if (mend.empty()) {
            hint = words;
        } else {
            hint = has_files_elsewhere(all) ? fmt::format("{}; {}", mend, words)
                                            : fmt::format("{}; {}", words, mend);
        }
    } catch (const Error& why) {
        // The first error is the one that counts; its own hint names `recognise`.
        hint = fmt::format("{} (which failed just now: {})", error.hint(), why.what());
    }
    throw Error(error.kind(), error.code(), error.what(), hint, error.sqlstate());
}

void throw_with_owner(const Context& context, const Error& error) {
    std::string hint = error.hint();
    try {
        pg::Session session(context.connect_options());
        const pg::Result rows = session.run(owner_sql);
        if (rows[0].text(0) != rows[0].text(1)) {
            hint = fmt::format(
                "{} may not do this: connect as {}, which owns the schema, or as a login that is a "
                "member of it",
                rows[0].text(1),
                rows[0].text(0)
            );
        }
    } catch (const Error&) {
        // The first error is the one that counts.
    }
    throw Error(error.kind(), error.code(), error.what(), hint, error.sqlstate());
}

}  // namespace tapline::cli
