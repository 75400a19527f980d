// What a device that is only connected costs central: memory of so many TLS connections at once.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "bench/lab/lab.hpp"

namespace tapline::bench {

struct ConnectionOptions {
    int connections = 2'000;
    std::int64_t body_bytes = 65'536;  ///< of the request after which memory is looked at again
};

[[nodiscard]] nlohmann::ordered_json measure_connections(
    const Lab& lab, const ConnectionOptions& options
);

}  // namespace tapline::bench
