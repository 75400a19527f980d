// What this process has done since it began, counted where it happens. The only room that knows the
// Prometheus library.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "central/gateway/tally.hpp"
#include "central/metrics/fleet_numbers.hpp"
#include "central/settle/settler.hpp"

namespace tapline::metrics {

/// What is only looked at when somebody asks.
struct Moment {
    gateway::Tally tally;
    gateway::Load load;
    FleetView fleet;
    std::size_t settle_queue = 0;    ///< batches waiting for their transaction
    std::size_t question_queue = 0;  ///< hellos, enrolments and the like waiting for a connection
    std::optional<std::int64_t> certificate_end_s;  ///< of the server, UTC since 1970
};

class Metrics {
  public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    /// Any thread. route: one of a closed set.
    void request(std::string_view route, int status, std::chrono::nanoseconds took);
    /// rows: of the batch. Answers are counted: a batch that is sent again counts again.
    void batch(std::size_t rows, const settle::Outcome& outcome, std::chrono::nanoseconds took);

    /// Prometheus' text format 0.0.4.
    [[nodiscard]] std::string text(const Moment& moment) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tapline::metrics
