#include "bench/lab/statistics.hpp"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

namespace tapline::bench {

double median(std::vector<double> values) {
    if (values.empty()) {
        return 0;
    }
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double percentile(std::vector<double> values, double percent) {
    if (values.empty()) {
        return 0;
    }
    std::sort(values.begin(), values.end());
    const double rank = std::ceil(percent / 100 * static_cast<double>(values.size()));
    const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
    return values[std::min(index, values.size() - 1)];
}

double rounded(double value, int digits) {
    const double scale = std::pow(10.0, digits);
    return std::round(value * scale) / scale;
}

nlohmann::ordered_json summary(const std::vector<double>& values) {
    nlohmann::ordered_json result;
    result["n"] = values.size();
    result["min"] = rounded(percentile(values, 0));
    result["p50"] = rounded(percentile(values, 50));
    result["p99"] = rounded(percentile(values, 99));
    result["p99_9"] = rounded(percentile(values, 99.9));
    result["max"] = rounded(percentile(values, 100));
    return result;
}

}  // namespace tapline::bench
