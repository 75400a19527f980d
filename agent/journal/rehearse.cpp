#include "agent/journal/rehearse.hpp"

#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "agent/journal/copy_directory.hpp"
#include "agent/journal/extras.hpp"
#include "agent/journal/fence.hpp"
#include "agent/journal/release_inserts.hpp"
#include "agent/journal/schema.hpp"
#include "common/log.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_try_insert =
    "INSERT INTO pours (client_tx_id, short_id, card_uid, tap_id, duration_ms, volume_ml, "
    "tail_volume_ml, price_cents, "
    "status, attempts, price_per_ml_at_pour) "
    "VALUES ('tapline-rehearsal', 'TAPLINE', '00', 1, 1000, 100, 1, 150, 'new', 0, 1.5)";
constexpr std::string_view sql_try_update =
    "UPDATE pours SET status = 'confirmed', attempts = attempts + 1 WHERE client_tx_id = "
    "'tapline-rehearsal'";

constexpr std::string_view sql_tried =
    "SELECT status FROM pours WHERE client_tx_id = 'tapline-rehearsal'";

/// A journal of ours; earlier shapes lack what the newest release writes.
constexpr std::string_view sql_has_seq =
    "SELECT count(*) FROM pragma_table_info('pours') WHERE name = 'seq'";

/// A copy that is thrown away.
constexpr std::string_view sql_no_sync = "PRAGMA synchronous=OFF";

/// Bound where the text doesn't tell a column, and for client_tx_id.
constexpr std::string_view probe_id = "tapline-rehearsal-probe";
constexpr std::string_view new_id = "tapline-rehearsal-new";
constexpr int max_rows_read = 1000;
constexpr const char* copy_name = "journal.db";

const std::map<std::string, Value>& plausible_values() {
    static const std::map<std::string, Value> values{
        {"short_id", Text{"TAPLINE0"}},
        {"card_uid", Text{"8c5efc0c"}},
        {"tap_id", std::int64_t{1}},
        {"start_ts", Text{"2026-02-12T18:03:11.123456+00:00"}},
        {"end_ts", Text{"2026-02-12T18:03:14.123456+00:00"}},
        {"duration_ms", std::int64_t{2900}},
        {"volume_ml", std::int64_t{250}},
        {"tail_volume_ml", std::int64_t{7}},
        {"price_cents", std::int64_t{375}},
        {"status", Text{"new"}},
        {"attempts", std::int64_t{0}},
        {"price_per_ml_at_pour", 1.5},
        {"data", Text{"{}"}},
        {"rowid", std::int64_t{1}},
        {"limit", std::int64_t{20}},
    };
    return values;
}

/// What became of a statement: an error, or how many rows it changed or gave.
struct Outcome {
    std::optional<Error> error;
    std::int64_t rows = 0;

    [[nodiscard]] bool failed_with(ErrorKind kind) const { return error && error->kind() == kind; }
};

bool inserts(const WriterStatement& statement) {
    return statement.kind == WriterStatement::Kind::insert;
}

bool selects(const WriterStatement& statement) {
    return statement.kind == WriterStatement::Kind::select;
}

/// Columns as the file has them, for an INSERT that doesn't name them.
std::vector<std::string> columns_of(Database& database) {
    std::vector<std::string> columns;
    auto row = database.prepare("SELECT lower(name) FROM pragma_table_info('pours')");
    while (row.step()) {
        columns.push_back(row.text(0));
    }
    return columns;
}

void bind_parameters(
    Statement& prepared,
    const WriterStatement& statement,
    const std::vector<std::string>& positions,
    std::string_view id
) {
    for (std::size_t i = 0; i < statement.columns.size(); ++i) {
        const auto place = static_cast<int>(i) + 1;
        const auto& column =
            statement.positional && i < positions.size() ? positions[i] : statement.columns[i];
        const auto known = plausible_values().find(column);
        if (known != plausible_values().end()) {
            prepared.bind(place, known->second);
        } else {
            prepared.bind(place, id);
        }
    }
}

Outcome try_statement(
    Database& database,
    const WriterStatement& statement,
    const std::vector<std::string>& positions,
    std::string_view id
) {
    Outcome outcome;
    try {
        auto prepared = database.prepare(statement.sql);
        bind_parameters(prepared, statement, positions, id);
        std::int64_t given = 0;
        while (given < max_rows_read && prepared.step()) {
            ++given;
        }
        prepared.reset();
        outcome.rows = selects(statement) ? given : database.integer("SELECT changes()");
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::storage_corrupt) {
            throw;
        }
        outcome.error = error;
    }
    return outcome;
}

[[noreturn]] void refuse_registered(
    const Database& database, const WriterStatement& statement, std::string code, std::string why
) {
    throw Error(
        ErrorKind::refused,
        std::move(code),
        fmt::format(
            "{}: {} {}\n  {}",
            database.file().string(),
            statement.name,
            why,
            printable(statement.sql)
        ),
        "Nothing was changed. Take it out of writer_statements in agent.toml or of --writer-sql: "
        "there belongs what the tap's program sends to pours, and nothing else."
    );
}

Outcome try_fenced(
    Database& database,
    const WriterStatement& statement,
    const std::vector<std::string>& positions,
    std::string_view id
) {
    const Fence fence(database);
    auto outcome = try_statement(database, statement, positions, id);
    if (!fence.refused().empty()) {
        refuse_registered(
            database,
            statement,
            "writer_sql_forbidden",
            fmt::format("may not do that: {}", fence.refused())
        );
    }
    if (outcome.failed_with(ErrorKind::storage_full)) {
        refuse_registered(
            database,
            statement,
            "writer_sql_forbidden",
            fmt::format("may not make the file {} pages larger", fenced_pages)
        );
    }
    if (outcome.failed_with(ErrorKind::storage_busy)) {
        refuse_registered(
            database,
            statement,
            "writer_sql_slow",
            fmt::format("takes longer than {} ms", fenced_time.count())
        );
    }
    return outcome;
}

/// A pour to be found by UPDATEs and SELECTs, by whichever release's INSERT works.
void add_probe(Database& database, const std::vector<WriterStatement>& statements) {
    for (const auto& statement : statements) {
        if (inserts(statement) && !statement.registered &&
            !try_statement(database, statement, {}, probe_id).error) {
            return;
        }
    }
}

/// Rolled back at the end. Not a savepoint: INSERT OR ROLLBACK would end that with all around it.
class Trial {
  public:
    explicit Trial(Database& database) : database_(database) { database_.exec("BEGIN"); }

    ~Trial() {
        try {
            if (database_.in_transaction()) {
                database_.exec("ROLLBACK");
            }
        } catch (const Error&) {  // NOLINT(bugprone-empty-catch): a copy, thrown away then
        }
    }

    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;

  private:
    Database& database_;
};

/// The newest release's own statements, and back.
void try_writer(Database& database) {
    database.exec("SAVEPOINT tapline_rehearsal");
    std::optional<std::string> failure;
    try {
        database.exec(sql_try_insert);
        if (database.text(sql_tried) != "new") {
            failure = "a new pour isn't in the table after its INSERT";
        }
        database.exec(sql_try_update);
        if (!failure && database.text(sql_tried) != "confirmed") {
            failure = "a pour keeps its status when it is marked";
        }
    } catch (const Error& error) {
        failure = error.what();
    }
    database.exec("ROLLBACK TO tapline_rehearsal; RELEASE tapline_rehearsal");
    if (failure) {
        throw FileError(
            "unknown_shape",
            fmt::format(
                "{}: the tap's program couldn't write to the upgraded file: {}",
                database.file().string(),
                *failure
            ),
            "A trigger or index that somebody added stands in the way: drop it, then run this "
            "again.",
            {{"table pours", "changed", "the newest release's INSERT works", *failure}}
        );
    }
}

/// What fails here would fail on the live file: somebody's table, view or trigger is in the way.
void rehearse_upgrade(Database& database, std::string_view target) {
    MigrateOptions options;
    options.deadline.reset();
    // What a kill left in the file goes first; on a copy nobody waits for the lock.
    options.steps->pause = std::chrono::milliseconds(0);
    try {
        upgrade(database, target, options);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::storage && error.kind() != ErrorKind::data) {
            throw;
        }
        throw FileError(
            "unknown_shape",
            fmt::format("the upgrade doesn't go through on a copy of {}", error.what()),
            "Nothing was changed. Something that somebody added stands in the way: drop or rename "
            "it, then run this again.",
            {{"table pours", "changed", "the upgrade works", error.what()}}
        );
    }
}

std::vector<WriterStatement> all_statements(const std::vector<WriterStatement>& registered) {
    std::vector<WriterStatement> all;
    for (const auto& [name, sql] : release_statements) {
        all.push_back(read_statement(std::string(name), std::string(sql)));
    }
    all.insert(all.end(), registered.begin(), registered.end());
    return all;
}

std::vector<Outcome> try_all(
    Database& database,
    const std::vector<WriterStatement>& statements,
    const std::vector<std::string>& positions
) {
    std::vector<Outcome> outcomes;
    for (const auto& statement : statements) {
        const Trial trial(database);
        add_probe(database, statements);
        const auto id = inserts(statement) ? new_id : probe_id;
        outcomes.push_back(
            statement.registered ? try_fenced(database, statement, positions, id)
                                 : try_statement(database, statement, positions, id)
        );
    }
    return outcomes;
}

bool is_io_error(const Outcome& outcome) {
    return outcome.error && outcome.error->code() == "io_error";
}

std::vector<Difference> findings_of(
    const std::vector<WriterStatement>& statements,
    const std::vector<Outcome>& before,
    const std::vector<Outcome>& after
) {
    auto findings = positional_inserts(statements);
    for (std::size_t i = 0; i < statements.size(); ++i) {
        if (statements[i].registered && before[i].error && after[i].error) {
            findings.push_back(
                {statements[i].name,
                 "changed",
                 "a statement that works",
                 fmt::format("{}: {}", printable(statements[i].sql), after[i].error->what())}
            );
        }
    }
    return findings;
}

void refuse_broken(
    Database& database,
    const std::vector<WriterStatement>& statements,
    const std::vector<Outcome>& before,
    const std::vector<Outcome>& after
) {
    for (std::size_t i = 0; i < statements.size(); ++i) {
        // How many rows is a matter of statuses, which a journal that was down gets back; the probe
        // is there both times.
        const bool as_before = !after[i].error && (after[i].rows > 0 || before[i].rows == 0);
        if (before[i].error || as_before) {
            continue;
        }
        if (after[i].failed_with(ErrorKind::storage_full) || is_io_error(after[i])) {
            throw Error(*after[i].error);
        }
        const auto why = after[i].error ? std::string(after[i].error->what())
                                        : fmt::format("{} rows before, none after", before[i].rows);
        throw Error(
            ErrorKind::refused,
            "breaks_writer",
            fmt::format(
                "{}: {} works now and wouldn't after the upgrade: {}\n  {}",
                database.file().string(),
                statements[i].name,
                why,
                printable(statements[i].sql)
            ),
            "Nothing was changed. If the tap's program sends it, change the program first; a "
            "registered statement that it no longer sends goes out of writer_statements in "
            "agent.toml."
        );
    }
}

}  // namespace

std::vector<Difference> rehearse(
    Database& copy, std::string_view target, const std::vector<WriterStatement>& registered
) {
    const auto statements = all_statements(registered);
    // The positions of a positional INSERT are those of the table that its program knows.
    const auto positions = columns_of(copy);
    const auto before = try_all(copy, statements, positions);
    rehearse_upgrade(copy, target);
    if (copy.integer(sql_has_seq) != 0) {
        try_writer(copy);
    }
    const auto after = try_all(copy, statements, positions);
    refuse_broken(copy, statements, before, after);
    return findings_of(statements, before, after);
}

std::vector<Difference> rehearse_open(
    Database& live, std::string_view target, const std::vector<WriterStatement>& registered
) {
    const CopyDirectory directory(live.file());
    const auto file = directory.path() / copy_name;
    live.exec(fmt::format("VACUUM INTO {}", quote_text(file.string())));
    OpenOptions options;
    options.shown_as = live.file();
    Database copy(file, options);
    copy.exec(sql_no_sync);
    return rehearse(copy, target, registered);
}

}  // namespace tapline::journal
