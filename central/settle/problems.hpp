// The refusals of settling, each in one place with its stable code and what the agent does then.
#pragma once

#include <string>

#include "common/pour.hpp"
#include "common/wire.hpp"

namespace tapline::settle::problems {

/// 400: the request contradicts itself; sending it again can't help.
[[nodiscard]] wire::Problem bad_request(std::string code, std::string detail);
/// 403: the journal belongs to another controller.
[[nodiscard]] wire::Problem foreign_journal(const std::string& journal_id);
/// 409: central has no cursor for this journal and epoch; hello makes one.
[[nodiscard]] wire::Problem unknown_journal(const std::string& journal_id);
[[nodiscard]] wire::Problem gap(Seq expected_seq);
[[nodiscard]] wire::Problem fork(Seq cursor);
/// 409: nothing is settled in this epoch any more; ask for one.
[[nodiscard]] wire::Problem epoch_closed(std::int64_t epoch);
/// 409: two devices show this journal at once; both keep their pours until an operator decides.
[[nodiscard]] wire::Problem two_alive(const std::string& journal_id);
/// 503: central is asked to keep still.
[[nodiscard]] wire::Problem hold(std::string reason);
/// 503 with another try in a moment: overloaded, unavailable, busy, stopping.
[[nodiscard]] wire::Problem try_later(std::string code, std::string detail);

}  // namespace tapline::settle::problems
