// A Moment as families of the Prometheus library. Private to central/metrics.
#pragma once

#include <vector>

#include <prometheus/metric_family.h>

#include "central/metrics/metrics.hpp"

namespace tapline::metrics {

[[nodiscard]] std::vector<prometheus::MetricFamily> families_of(const Moment& moment);

}  // namespace tapline::metrics
