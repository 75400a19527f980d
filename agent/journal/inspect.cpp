#include "agent/journal/inspect.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "agent/journal/own_objects.hpp"
#include "agent/journal/raise.hpp"
#include "agent/journal/rehearse.hpp"
#include "agent/journal/stable_copy.hpp"
#include "agent/journal/step_tables.hpp"
#include "agent/journal/wal_file.hpp"

namespace tapline::journal {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic = "SQLite format 3";
constexpr std::string_view sql_integrity = "PRAGMA integrity_check(20)";
constexpr std::string_view sql_adopted_through = "SELECT adopted_through FROM tapline_journal";
constexpr std::string_view sql_prunable = "SELECT prunable_through FROM tapline_journal";
/// Columns of a pour that never change once it is written.
constexpr std::array<std::string_view, 7> fixed_columns{
    "card_uid", "tap_id", "start_ts", "end_ts", "volume_ml", "price_cents", "data"};

constexpr std::string_view leave_alone =
    "Nothing was changed. Copy the file with its -wal and -journal before anything else is tried "
    "on it.";

std::uintmax_t size_of(const fs::path& file) {
    std::error_code error;
    const auto size = fs::file_size(file, error);
    return error ? 0 : size;
}

std::string first_bytes(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::string bytes(magic.size(), '\0');
    stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

std::vector<std::string> integrity_findings(Database& database) {
    std::vector<std::string> findings;
    auto row = database.prepare(sql_integrity);
    while (row.step()) {
        if (row.text(0) != "ok") {
            findings.push_back(row.text(0));
        }
    }
    return findings;
}

Database open_copy(const fs::path& copy, const fs::path& shown_as) {
    OpenOptions options;
    options.shown_as = shown_as;
    return Database(copy, options);
}

}  // namespace

std::vector<std::string> damage_of(const fs::path& file, const fs::path& shown_as) {
    try {
        Database database = open_copy(file, shown_as);
        return integrity_findings(database);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::storage_corrupt && error.kind() != ErrorKind::storage) {
            throw;
        }
        return {error.what()};
    }
}

namespace {

[[noreturn]] void refuse_wal(const fs::path& file, Difference problem) {
    throw FileError(
        "foreign_wal",
        fmt::format(
            "{} doesn't belong to {}: opening them together would lose pours",
            problem.object,
            file.string()
        ),
        "Nothing was changed. Find the one that belongs here (the other copy's, a backup's), or "
        "move this one aside and run this again.",
        {std::move(problem)}
    );
}

/// How many pours the file alone holds that are gone, or other, once its -wal is applied.
std::int64_t lost_with_wal(Database& whole, const fs::path& alone) {
    const auto together = read_table(whole, "pours");
    whole.exec(fmt::format("ATTACH {} AS alone", quote_text(alone.string())));
    std::int64_t lost = 0;
    std::set<std::string> names;
    auto columns = whole.prepare("SELECT lower(name) FROM pragma_table_info('pours', 'alone')");
    while (columns.step()) {
        names.insert(columns.text(0));
    }
    columns.reset();
    if (names.empty()) {
        return 0;
    }
    if (!together) {
        return whole.integer("SELECT count(*) FROM alone.pours");
    }
    std::string same;
    for (const auto column : fixed_columns) {
        const std::string name(column);
        if (names.contains(name) && together->columns.contains(name)) {
            same += fmt::format(" AND m.{0} IS a.{0}", name);
        }
    }
    const bool pruned = together->columns.contains("seq") && names.contains("seq");
    const auto kept =
        pruned ? fmt::format(" AND a.seq > {}", whole.integer(sql_prunable)) : std::string{};
    lost += whole.integer(fmt::format(
        "SELECT count(*) FROM alone.pours AS a WHERE a.client_tx_id IS NOT NULL{} AND NOT EXISTS "
        "(SELECT 1 FROM main.pours AS m WHERE m.client_tx_id = a.client_tx_id{})",
        kept,
        same
    ));
    // Rows without an id can't be told apart, only counted.
    const auto nameless = whole.integer(fmt::format(
        "SELECT (SELECT count(*) FROM alone.pours AS a WHERE a.client_tx_id IS NULL{}) "
        "- (SELECT count(*) FROM main.pours AS m WHERE m.client_tx_id IS NULL)",
        kept
    ));
    return lost + std::max<std::int64_t>(nameless, 0);
}

void check_wal(const fs::path& file, const StableCopy& copy) {
    const auto hot = size_of(copy.main().string() + "-journal");
    if (size_of(copy.main()) == 0 && hot != 0) {
        refuse_wal(
            file,
            {fmt::format("file {}-journal", file.filename().string()),
             "added",
             "no -journal beside an empty file",
             fmt::format("{} bytes", hot)}
        );
    }
    if (size_of(copy.wal()) == 0) {
        return;
    }
    const auto name = fmt::format("file {}-wal", file.filename().string());
    if (size_of(copy.main()) == 0) {
        refuse_wal(
            file,
            {name,
             "added",
             "no -wal beside an empty file",
             fmt::format("{} bytes", size_of(copy.wal()))}
        );
    }
    auto report = read_wal(copy.wal(), page_size_of(copy.main()));
    if (report.problem) {
        report.problem->object = name;
        refuse_wal(file, *std::move(report.problem));
    }
    if (report.frames == 0) {
        return;
    }
    const auto alone = copy.directory() / "alone.db";
    fs::copy_file(copy.main(), alone);
    const auto together = damage_of(copy.main(), file);
    if (!together.empty()) {
        if (damage_of(alone, file).empty()) {
            refuse_wal(
                file,
                {name,
                 "changed",
                 "a sound database with this -wal, as without it",
                 together.front()}
            );
        }
        return;  // damaged either way; inspect says so
    }
    std::int64_t lost = 0;
    try {
        Database whole = open_copy(copy.main(), file);
        lost = lost_with_wal(whole, alone);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::storage_corrupt) {
            throw;
        }
        return;  // a checkpoint was cut: the file alone is half-written, and the -wal completes it
    }
    if (lost != 0) {
        refuse_wal(
            file,
            {name,
             "changed",
             "every pour of the file alone",
             fmt::format("{} pours missing or changed with this -wal", lost)}
        );
    }
}

[[noreturn]] void refuse_damaged(const fs::path& file, const std::vector<std::string>& findings) {
    std::vector<Difference> differences;
    differences.reserve(findings.size());
    for (const auto& finding : findings) {
        differences.push_back(
            {fmt::format("file {}", file.filename().string()), "changed", "ok", finding}
        );
    }
    throw FileError(
        "damaged",
        fmt::format("{} is damaged: {}", file.string(), findings.front()),
        std::string(leave_alone),
        std::move(differences)
    );
}

Inspection look(const fs::path& file, Database& database, const Rehearse& wanted) {
    Inspection result;
    result.shape = recognise(database);
    if (result.shape.kind == Recognised::Kind::unknown) {
        throw FileError(
            "unknown_shape",
            fmt::format(
                "{}: table pours has no shape that tapline knows; the nearest is {}",
                file.string(),
                result.shape.name
            ),
            "Nothing was changed. Undo the differences by hand, or send this report (--json) to "
            "the developers.",
            result.shape.differences
        );
    }
    result.totals = read_totals(database);
    result.extras = read_extras(database, result.shape.name);
    result.own_objects = own_objects(database);
    result.ledger = read_ledger(database);
    result.unfinished = has_step_leftovers(database);
    result.adopted = journal_lineage()
                         .with_descendants({std::string(first_journal_revision)})
                         .contains(result.shape.name);
    if (result.adopted) {
        result.adopted_through = database.integer(sql_adopted_through);
    }
    if (wanted.when == Rehearsal::always ||
        (wanted.when == Rehearsal::unless_adopted && !result.adopted)) {
        const auto from = result.adopted ? result.shape.name : std::string(first_journal_revision);
        result.findings = rehearse(
            database,
            wanted.target.value_or(highest_for(journal_lineage(), from, wanted.central)),
            wanted.statements
        );
    }
    return result;
}

}  // namespace

Inspection inspect(const fs::path& file, const Rehearse& wanted) {
    if (!fs::exists(file)) {
        Inspection nothing;
        nothing.shape = {Recognised::Kind::empty, "empty", {}};
        return nothing;
    }
    const StableCopy copy(file);
    check_wal(file, copy);
    if (size_of(copy.main()) != 0 && !first_bytes(copy.main()).starts_with(magic)) {
        throw FileError(
            "not_a_database",
            fmt::format("{} is not an SQLite database", file.string()),
            "Nothing was changed. Check the path.",
            {{fmt::format("file {}", file.filename().string()),
              "changed",
              "header 'SQLite format 3'",
              "another header"}}
        );
    }
    const auto findings = damage_of(copy.main(), file);
    if (!findings.empty()) {
        refuse_damaged(file, findings);
    }
    Database database = open_copy(copy.main(), file);
    return look(file, database, wanted);
}

}  // namespace tapline::journal
