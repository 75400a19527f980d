// Revisions: what an upgrade with nothing to do, many small ones, and a look for drift cost beside
// the tools an operator would use instead.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "bench/lab/lab.hpp"

namespace tapline::bench {

struct RevisionOptions {
    int noop_revisions = 1'000;
    int noop_rounds = 15;
    int small_revisions = 200;
    int small_rounds = 7;
    int tables = 1'000;
    int check_rounds = 9;
};

/// Throws Error{refused, "no_program"} when Debian's alembic or PostgreSQL's client isn't there.
[[nodiscard]] nlohmann::ordered_json measure_revisions(
    const Lab& lab, const RevisionOptions& options
);

}  // namespace tapline::bench
