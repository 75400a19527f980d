#include "central/metrics/metrics.hpp"

#include <algorithm>
#include <map>
#include <sstream>
#include <variant>

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "central/metrics/exposition.hpp"

namespace tapline::metrics {

namespace {

/// Seconds. Settling takes a few milliseconds on a disk with a cache, agents give up after 30 s.
const prometheus::Histogram::BucketBoundaries bounds{
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};

double seconds(std::chrono::nanoseconds took) {
    return std::chrono::duration<double>(took).count();
}

}  // namespace

class Metrics::Impl {
  public:
    void request(const std::string& route, int status, double took_s) {
        request_seconds.Add({{"route", route}}, bounds).Observe(took_s);
        requests.Add({{"route", route}, {"status", std::to_string(status)}}).Increment();
    }

    void batch(std::size_t rows, const settle::Outcome& outcome, double took_s) {
        settle_seconds.Observe(took_s);
        const auto* problem = std::get_if<wire::Problem>(&outcome);
        batches.Add({{"outcome", problem == nullptr ? "ok" : problem->code}}).Increment();
        if (problem != nullptr) {
            return;
        }
        const auto& waiting = std::get<wire::Ack>(outcome).quarantined;
        const std::size_t quarantined_rows = std::min(waiting.size(), rows);
        settled.Increment(static_cast<double>(rows - quarantined_rows));
        quarantined.Increment(static_cast<double>(quarantined_rows));
        for (const auto& one : waiting) {
            by_code.Add({{"code", one.code}}).Increment();
        }
    }

    prometheus::Registry registry;
    prometheus::Family<prometheus::Counter>& pours =
        prometheus::BuildCounter()
            .Name("tapline_pours_total")
            .Help("Pours in answered batches; one that is sent again counts again.")
            .Register(registry);
    prometheus::Counter& settled = pours.Add({{"outcome", "settled"}});
    prometheus::Counter& quarantined = pours.Add({{"outcome", "quarantined"}});
    prometheus::Family<prometheus::Counter>& by_code =
        prometheus::BuildCounter()
            .Name("tapline_pours_quarantined_total")
            .Help("Pours that went to quarantine, by code.")
            .Register(registry);
    prometheus::Family<prometheus::Counter>& batches =
        prometheus::BuildCounter()
            .Name("tapline_batches_total")
            .Help("Batches that reached the settler, by outcome.")
            .Register(registry);
    prometheus::Family<prometheus::Counter>& requests = prometheus::BuildCounter()
                                                            .Name("tapline_requests_total")
                                                            .Help("Requests answered by a route.")
                                                            .Register(registry);
    prometheus::Family<prometheus::Histogram>& request_seconds =
        prometheus::BuildHistogram()
            .Name("tapline_request_seconds")
            .Help("From the whole request to its answer.")
            .Register(registry);
    prometheus::Histogram& settle_seconds =
        prometheus::BuildHistogram()
            .Name("tapline_settle_seconds")
            .Help("From the decoded batch to its outcome, waiting included.")
            .Register(registry)
            .Add({}, bounds);
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}

Metrics::~Metrics() = default;

void Metrics::request(std::string_view route, int status, std::chrono::nanoseconds took) {
    impl_->request(std::string(route), status, seconds(took));
}

void Metrics::batch(
    std::size_t rows, const settle::Outcome& outcome, std::chrono::nanoseconds took
) {
    impl_->batch(rows, outcome, seconds(took));
}

std::string Metrics::text(const Moment& moment) const {
    auto families = impl_->registry.Collect();
    for (auto& family : families_of(moment)) {
        families.push_back(std::move(family));
    }
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families);
    return out.str();
}

}  // namespace tapline::metrics
