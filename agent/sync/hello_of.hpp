// What a journal says of itself in a hello.
#pragma once

#include "agent/journal/journal.hpp"
#include "common/wire.hpp"

namespace tapline::sync {

/// Standing at `acked`, whose chain is `hash`. Without who asks: controller, agent_version,
/// fingerprint, and without a clock. Blocks on the disk.
[[nodiscard]] wire::Hello hello_of(journal::JournalReader& journal, Seq acked, const RowHash& hash);

}  // namespace tapline::sync
