#include "central/metrics/exposition.hpp"

#include <array>
#include <utility>

#include "central/metrics/process_numbers.hpp"
#include "common/version.hpp"

namespace tapline::metrics {

namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

/// Collects families of values without a library object behind each.
class Writer {
  public:
    void gauge(const char* name, const char* help, double value) {
        add(name, help, MetricType::Gauge, "", "", value);
    }

    void counter(const char* name, const char* help, std::uint64_t value) {
        add(name, help, MetricType::Counter, "", "", static_cast<double>(value));
    }

    template <typename Values>
    void gauges(const char* name, const char* help, const char* label, const Values& values) {
        all(name, help, MetricType::Gauge, label, values);
    }

    template <typename Values>
    void counters(const char* name, const char* help, const char* label, const Values& values) {
        all(name, help, MetricType::Counter, label, values);
    }

    [[nodiscard]] std::vector<MetricFamily> take() { return std::move(families_); }

  private:
    template <typename Values>
    void all(
        const char* name, const char* help, MetricType type, const char* label, const Values& values
    ) {
        for (const auto& [key, value] : values) {
            add(name, help, type, label, std::string(key), static_cast<double>(value));
        }
    }

    // NOLINTNEXTLINE(readability-function-size): a sample has that many parts
    void add(
        const char* name,
        const char* help,
        MetricType type,
        const char* label,
        const std::string& key,
        double value
    ) {
        if (families_.empty() || families_.back().name != name) {
            families_.push_back(MetricFamily{name, help, type, {}});
        }
        prometheus::ClientMetric metric;
        if (*label != '\0') {
            metric.label.push_back({label, key});
        }
        (type == MetricType::Gauge ? metric.gauge.value : metric.counter.value) = value;
        families_.back().metric.push_back(std::move(metric));
    }

    std::vector<MetricFamily> families_;
};

template <std::size_t N>
std::vector<std::pair<std::string_view, std::uint64_t>> named(
    const std::array<std::string_view, N>& names, const std::array<std::uint64_t, N>& values
) {
    std::vector<std::pair<std::string_view, std::uint64_t>> pairs;
    for (std::size_t i = 0; i < N; ++i) {
        pairs.emplace_back(names.at(i), values.at(i));
    }
    return pairs;
}

void write_sockets(Writer& to, const gateway::Tally& tally, const gateway::Load& load) {
    const auto number = [](std::size_t value) { return static_cast<double>(value); };
    to.gauge("tapline_connections", "Open connections.", number(load.connections));
    to.counter("tapline_connections_total", "Connections accepted.", tally.accepted);
    to.counters(
        "tapline_connections_refused_total",
        "Connections closed because a limit was reached.",
        "reason",
        named(gateway::refusal_names, tally.refused)
    );
    to.counters(
        "tapline_connections_timed_out_total",
        "Connections ended by a deadline.",
        "deadline",
        named(gateway::deadline_names, tally.timed_out)
    );
    to.gauge("tapline_handshakes", "TLS handshakes at work.", number(load.handshakes));
    to.gauge(
        "tapline_handshakes_waiting",
        "TLS handshakes waiting for their turn.",
        number(load.handshakes_waiting)
    );
    to.counter("tapline_handshakes_total", "TLS handshakes that succeeded.", tally.handshakes);
    to.counters(
        "tapline_handshakes_failed_total",
        "TLS handshakes that failed.",
        "reason",
        named(gateway::handshake_fault_names, tally.handshakes_failed)
    );
    to.gauge(
        "tapline_requests_in_flight",
        "Requests with a body that are being read or answered.",
        number(load.requests)
    );
    to.counters(
        "tapline_requests_refused_total",
        "Requests that never reached a route.",
        "code",
        tally.requests_refused
    );
}

void write_fleet(Writer& to, const FleetView& fleet) {
    to.gauge(
        "tapline_database_up",
        "1 when the fleet's numbers could be read.",
        fleet.reached ? 1.0 : 0.0
    );
    if (!fleet.reached) {
        return;
    }
    const auto number = [](std::int64_t value) { return static_cast<double>(value); };
    to.gauge("tapline_journals", "Journals that central knows.", number(fleet.journals));
    to.gauge(
        "tapline_journals_silent",
        "Journals without a hello for ten minutes.",
        number(fleet.silent_journals)
    );
    to.gauge(
        "tapline_fleet_depth_pours",
        "Pours that wait in the journals, by their last hellos.",
        number(fleet.depth_pours)
    );
    to.gauge(
        "tapline_fleet_depth_pours_max",
        "The same of the journal with the most.",
        number(fleet.max_depth_pours)
    );
    to.gauge("tapline_hold_open", "1 while the fleet is held.", fleet.hold_open ? 1.0 : 0.0);
    to.gauges("tapline_controllers", "Controllers by status.", "status", fleet.controllers);
    to.gauges("tapline_quarantine_open", "Pours waiting in quarantine.", "code", fleet.quarantine);
}

}  // namespace

std::vector<MetricFamily> families_of(const Moment& moment) {
    Writer to;
    const std::array build{std::pair<std::string_view, int>(version, 1)};
    to.gauges("tapline_build_info", "The running program.", "version", build);
    const ProcessNumbers process = read_process_numbers();
    to.gauge(
        "process_resident_memory_bytes",
        "Resident memory.",
        static_cast<double>(process.resident_bytes)
    );
    to.gauge("process_open_fds", "Open files.", static_cast<double>(process.open_files));
    write_sockets(to, moment.tally, moment.load);
    to.gauge(
        "tapline_settle_queue",
        "Batches that wait for their transaction.",
        static_cast<double>(moment.settle_queue)
    );
    to.gauge(
        "tapline_question_queue",
        "Hellos, enrolments and renewals that wait for the database.",
        static_cast<double>(moment.question_queue)
    );
    if (moment.certificate_end_s) {
        to.gauge(
            "tapline_tls_certificate_end_timestamp_seconds",
            "When the server's certificate ends, Unix time.",
            static_cast<double>(*moment.certificate_end_s)
        );
    }
    write_fleet(to, moment.fleet);
    return to.take();
}

}  // namespace tapline::metrics
