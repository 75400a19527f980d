// The bare side of the drain: one libpq session that runs settling's own statements with parameters
// that were encoded before the clock started. What PostgreSQL takes; nothing can settle faster
// without other SQL or a second session.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace tapline::bench {

struct BareOptions {
    std::int64_t rows = 200'000;
    int journals = 50;
    std::int64_t transaction_rows = 4'000;
    std::int64_t transaction_journals = 8;
};

/// Into a database at head with the bar in it. {"rows", "transactions", "seconds", "cpu_s"}
[[nodiscard]] nlohmann::ordered_json run_bare(
    const std::string& database_url, const BareOptions& options
);

}  // namespace tapline::bench
