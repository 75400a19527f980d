// The journals that central knows.
#pragma once

#include <cstdint>
#include <string>

#include "central/pg/session.hpp"

namespace tapline::fleet {

/// A journal with a cursor at 0, taken with the epoch that it comes with: a centre restored from a
/// backup knows less than its journals. One that is there already stays as it is. Within the
/// caller's transaction; the controller must be known.
void register_journal(
    pg::Session& session,
    const std::string& controller,
    const std::string& journal_id,
    std::int64_t epoch
);

}  // namespace tapline::fleet
