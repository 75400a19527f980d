#include "agent/sync/hello_of.hpp"

namespace tapline::sync {

wire::Hello hello_of(journal::JournalReader& journal, Seq acked, const RowHash& hash) {
    const journal::Identity identity = journal.identity();
    const journal::Counts counts = journal.counts();
    wire::Hello hello;
    hello.journal_id = identity.journal_id;
    hello.epoch = identity.epoch;
    hello.revision = identity.revision;
    hello.released_through = identity.released_through;
    hello.acked_through = acked;
    hello.acked_hash = hash;
    hello.max_seq = counts.max_seq;
    hello.depth = counts.depth;
    hello.free_bytes = counts.free_bytes;
    journal::BatchLimits one;
    one.rows = 1;
    const auto oldest = journal.next_batch(acked, hash, one);
    hello.oldest_unacked_revision = oldest ? oldest->revision : identity.revision;
    return hello;
}

}  // namespace tapline::sync
