#include "agent/journal/export.hpp"

#include <string>

#include <fmt/format.h>

#include "agent/journal/identity.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/sha256.hpp"
#include "common/version.hpp"

namespace tapline::journal {

namespace {

RowHash chain_before(JournalReader& journal, Seq first, const Identity& identity) {
    const auto hash = journal.hash_at(first - 1);
    if (!hash) {
        throw Error(
            ErrorKind::usage,
            "chain_unknown",
            fmt::format("no pour of this journal comes right before {}", first),
            fmt::format(
                "pours up to {} may have been pruned, the newest is {}: give --from within these, "
                "or leave it out",
                identity.pruned_through,
                journal.counts().max_seq
            )
        );
    }
    return *hash;
}

wire::ExportHeader header_of(const Identity& identity, const wire::Batch& first) {
    wire::ExportHeader header;
    header.journal_id = identity.journal_id;
    header.epoch = identity.epoch;
    header.revision = identity.revision;
    header.first_seq = first.first_seq;
    header.prev_hash = first.prev_hash;
    header.acked_through = identity.acked_through;
    header.fingerprint = hardware_fingerprint();
    header.agent_version = version;
    header.made_at = format_utc(SystemClock().now_utc());
    return header;
}

}  // namespace

Seq first_to_export(const Identity& identity) noexcept {
    return identity.acked_through + 1;
}

Seq first_kept(const Identity& identity) noexcept {
    return identity.pruned_through + 1;
}

wire::ExportEnd write_export(
    JournalReader& journal, Seq first, const std::function<void(std::string_view)>& write
) {
    const auto identity = journal.identity();
    // What the tap pours meanwhile comes with the next export: a busy one would never end.
    const Seq last = journal.counts().max_seq;
    wire::ExportEnd end;
    end.last_seq = first - 1;
    end.hash = chain_before(journal, first, identity);
    Sha256 digest;
    const auto put = [&](std::string line) {
        line.push_back('\n');
        digest.add(line);
        write(line);
    };
    while (end.last_seq < last) {
        const auto batch = journal.next_batch(end.last_seq, end.hash, {});
        if (!batch) {
            break;
        }
        if (end.batches == 0) {
            put(wire::encode(header_of(identity, *batch)));
        }
        put(wire::encode(*batch));
        ++end.batches;
        end.rows += static_cast<std::int64_t>(batch->rows.size());
        end.last_seq = batch->last_seq;
        end.hash = batch->hash;
    }
    if (end.batches > 0) {
        end.sha256 = digest.finish();
        write(wire::encode(end) + "\n");
    }
    return end;
}

}  // namespace tapline::journal
