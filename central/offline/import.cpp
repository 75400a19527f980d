#include "central/offline/import.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>
#include <variant>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>

#include "central/fleet/registry.hpp"
#include "central/settle/rows.hpp"
#include "central/settle/settler.hpp"
#include "central/settle/statements.hpp"
#include "common/error.hpp"

namespace asio = boost::asio;

namespace tapline::offline {

namespace {

/// A lock or a restart of PostgreSQL; after that a person looks.
constexpr int max_tries = 10;
constexpr std::chrono::milliseconds try_pause{500};

constexpr pg::Statement find_place{
    "import_place",
    "SELECT j.controller, c.cursor, c.hash, c.closed_at IS NOT NULL, j.contested_at IS NOT NULL"
    " FROM tapline.journal j"
    " LEFT JOIN tapline.cursor c ON c.journal_id = j.journal_id AND c.epoch = $2::bigint"
    " WHERE j.journal_id = $1::uuid"};

constexpr pg::Statement find_controller{
    "import_controller", "SELECT 1 FROM tapline.controller WHERE name = $1::text"};

constexpr pg::Statement note_import{
    "import_note",
    "INSERT INTO tapline.controller_event (controller, action, who, detail)"
    " VALUES ($1::text, 'imported', $2::text, $3::text)"};

/// Where central stands with the journal of the file.
struct Place {
    std::string controller;
    bool known = false;
    Seq cursor = 0;
    RowHash hash{};
};

Error refuse(const char* code, const std::string& what, const std::string& hint) {
    return {ErrorKind::refused, code, what, hint};
}

Place new_place(pg::Session& session, const ImportOptions& options, const Verified& file) {
    const auto& id = file.header.journal_id;
    if (options.controller.empty()) {
        throw refuse(
            "unknown_journal",
            fmt::format("central never heard of journal {}", id),
            "say whose it is: --controller NAME, as the device is enrolled or will be"
        );
    }
    if (session.exec(find_controller, options.controller).empty()) {
        throw Error(
            ErrorKind::usage,
            "unknown_controller",
            fmt::format("there is no controller {}", options.controller),
            "`tapline-central controllers list` names them; `controllers enroll` makes one"
        );
    }
    return {options.controller, false, 0, {}};
}

Place find(pg::Session& session, const ImportOptions& options, const Verified& file) {
    const auto& header = file.header;
    const auto found = session.exec(find_place, header.journal_id, header.epoch);
    if (found.empty()) {
        return new_place(session, options, file);
    }
    const auto row = found[0];
    Place place{std::string(row.text(0)), true, 0, {}};
    if (!options.controller.empty() && options.controller != place.controller) {
        throw refuse(
            "not_yours",
            fmt::format("journal {} is {}'s", header.journal_id, place.controller),
            "leave --controller out, or see `tapline-central controllers move`"
        );
    }
    if (row.is_null(1)) {
        throw refuse(
            "unknown_epoch",
            fmt::format("central never granted epoch {} to this journal", header.epoch),
            "let the device say hello first; it gets an epoch that central knows"
        );
    }
    if (row.boolean(3)) {
        throw refuse(
            "epoch_closed",
            fmt::format(
                "epoch {} of this journal is closed: another side was chosen", header.epoch
            ),
            "`tapline-central controllers forks` has it"
        );
    }
    if (row.boolean(4)) {
        throw refuse(
            "two_alive",
            "two devices show this journal at once",
            "decide with `tapline-central controllers forks` first"
        );
    }
    place.cursor = row.integer(1);
    const auto hash = row.bytes(2);
    std::copy_n(hash.begin(), std::min(hash.size(), place.hash.size()), place.hash.begin());
    return place;
}

void check_gap(const Place& place, const Verified& file) {
    if (file.header.first_seq - 1 > place.cursor) {
        throw Error(
            ErrorKind::data,
            "gap",
            fmt::format(
                "the file begins with pour {}, central needs {} next",
                file.header.first_seq,
                place.cursor + 1
            ),
            fmt::format(
                "at the device: tapline-agent journal export FILE -o OUT --from {}",
                place.cursor + 1
            )
        );
    }
}

Error fork_at(Seq seq) {
    return {
        ErrorKind::data,
        "fork",
        fmt::format("the file's pour {} isn't the one that central has under that number", seq),
        "nothing was settled: the file is of a restored or copied card. Let the device send by "
        "itself; it gets an epoch of its own (docs/forks.md)"};
}

/// A batch of which central has a part: what it has must be the same. Rows that were duplicates
/// left nothing to compare.
void compare(pg::Session& session, const wire::Batch& batch, const Place& place) {
    std::map<Seq, std::string> kept;
    for (const auto row : session.exec(
             settle::sql::find_hashes,
             batch.journal_id,
             batch.epoch,
             batch.first_seq,
             std::min(batch.last_seq, place.cursor)
         )) {
        kept[row.integer(0)] = row.bytes(1);
    }
    RowHash hash = batch.prev_hash;
    for (const auto& row : batch.rows) {
        if (row.seq > place.cursor) {
            break;
        }
        hash = batch.truncated ? batch.hash : next_hash(hash, row);
        const auto found = kept.find(row.seq);
        const bool differs = found != kept.end() && found->second != settle::hash_bytes(hash);
        if (differs || (row.seq == place.cursor && hash != place.hash)) {
            throw fork_at(row.seq);
        }
    }
}

[[noreturn]] void give_up(const wire::Problem& problem) {
    if (problem.code == "hold") {
        throw refuse(
            "hold",
            fmt::format("central is on hold: {}", problem.detail),
            "run this again when the hold is over; it goes on where it stopped"
        );
    }
    const bool later = problem.action == "retry";
    throw Error(
        later ? ErrorKind::unreachable : ErrorKind::data,
        problem.code,
        fmt::format("{}: {}", problem.title, problem.detail),
        "what was settled until now stays; run this again and it goes on behind it"
    );
}

settle::Outcome settle_one(
    settle::Settler& settler, const std::string& controller, const wire::Batch& batch
) {
    asio::io_context io;
    auto answer = asio::co_spawn(io, settler.settle(controller, batch), asio::use_future);
    io.run();
    return answer.get();
}

wire::Ack settle_patiently(
    settle::Settler& settler, const std::string& controller, const wire::Batch& batch
) {
    for (int left = max_tries;; --left) {
        auto outcome = settle_one(settler, controller, batch);
        if (auto* ack = std::get_if<wire::Ack>(&outcome)) {
            return std::move(*ack);
        }
        const auto& problem = std::get<wire::Problem>(outcome);
        if (problem.action != "retry" || left == 1) {
            give_up(problem);
        }
        std::this_thread::sleep_for(try_pause);
    }
}

void count(const wire::Batch& batch, Seq cursor, ImportResult& result) {
    for (const auto& row : batch.rows) {
        ++(row.seq > cursor ? result.fresh_rows : result.known_rows);
    }
}

/// Before the first pour, and not before all that can be compared was: a refusal leaves no trace.
void begin(
    pg::Session& session, const Place& place, const Verified& file, const ImportOptions& options
) {
    const auto& header = file.header;
    pg::Transaction transaction(session);
    if (!place.known) {
        fleet::register_journal(session, place.controller, header.journal_id, header.epoch);
    }
    session.exec(
        note_import,
        place.controller,
        options.who,
        fmt::format(
            "journal {} epoch {}, pours {} to {}, sha256 {}",
            header.journal_id,
            header.epoch,
            header.first_seq,
            file.end.last_seq,
            to_hex(file.end.sha256)
        )
    );
    transaction.commit();
}

/// Reads the file again: what was settled meanwhile, here or by the device, the cursor tells.
void settle_rest(
    ExportReader& reader,
    pg::Session& session,
    const Place& place,
    ImportResult& result,
    const ImportOptions& options
) {
    std::optional<settle::Settler> settler;
    while (const auto batch = reader.next()) {
        count(*batch, place.cursor, result);
        if (batch->first_seq <= place.cursor) {
            compare(session, *batch, place);
        }
        if (batch->last_seq <= place.cursor || options.dry_run) {
            continue;
        }
        if (!settler) {
            begin(session, place, result.file, options);
            settle::SettleOptions settling;
            settling.database_url = options.database_url;
            settling.price_from_journal = options.price_from_journal;
            settler.emplace(settling);
        }
        const auto ack = settle_patiently(*settler, place.controller, *batch);
        result.acked_through = std::max(result.acked_through, ack.acked_through);
        for (const auto& kept : ack.quarantined) {
            result.quarantined[kept.code] += kept.seq > place.cursor ? 1 : 0;
        }
    }
}

}  // namespace

ImportResult import_pours(const std::filesystem::path& file, const ImportOptions& options) {
    ImportResult result;
    result.file = verify_export(file);
    pg::ConnectOptions connect;
    connect.url = options.database_url;
    connect.application_name = "tapline import";
    pg::Session session(connect);
    const auto place = find(session, options, result.file);
    check_gap(place, result.file);
    result.controller = place.controller;
    result.new_journal = !place.known;
    result.cursor = place.cursor;
    result.acked_through = place.cursor;
    ExportReader reader(file);
    settle_rest(reader, session, place, result, options);
    return result;
}

}  // namespace tapline::offline
