// Order statistics of a run.
#pragma once

#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace tapline::bench {

/// Middle of the sorted values, mean of the two middle ones for an even count; 0 of none.
[[nodiscard]] double median(std::vector<double> values);
/// Nearest rank: the smallest value that at least `percent` of the values don't exceed; 0 of none.
[[nodiscard]] double percentile(std::vector<double> values, double percent);
/// To a number of digits behind the point, so that JSON stays readable.
[[nodiscard]] double rounded(double value, int digits = 3);
/// {"n", "min", "p50", "p99", "p99_9", "max"}
[[nodiscard]] nlohmann::ordered_json summary(const std::vector<double>& values);

}  // namespace tapline::bench
