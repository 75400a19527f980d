// tapline-tap-sim: the tap's own program, imitated.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <deque>
#include <fstream>
#include <thread>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/tap_sim/tap.hpp"

namespace {

using namespace tapline::tap_sim;  // NOLINT(google-build-using-namespace): all of this file is its
                                   // main
using tapline::Text;
using tapline::Value;

// A signal handler reaches nothing but a global.
std::atomic<bool> stop_requested =
    false;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

void request_stop(int) {
    stop_requested = true;
}

struct Options {
    TapOptions tap;
    Bar bar;
    std::string release = "gen8";
    std::string connection = "per-operation";
    std::string on_busy = "retry";
    std::string latency_json;
    std::vector<std::string> bad;
    bool create = false;
    std::int64_t count = 0;
    double seconds = 0;
    double rate = 0;
    std::uint64_t seed = 1;
    int give_up_s = 60;
};

std::vector<std::string> names_of_releases() {
    std::vector<std::string> names;
    for (const Release& release : all_releases()) {
        names.emplace_back(release.name);
    }
    return names;
}

void add_options(CLI::App& app, Options& options) {
    const std::vector<std::string> kinds(
        PourSource::bad_kinds().begin(), PourSource::bad_kinds().end()
    );
    app.add_option("--journal", options.tap.journal, "The SQLite file")->required();
    app.add_option("--release", options.release, "Whose INSERT is used")
        ->check(CLI::IsMember(names_of_releases()));
    app.add_flag("--create", options.create, "First do what that release does at its start");
    app.add_option("--count", options.count, "Good pours to write; planted bad ones come on top");
    app.add_option("--seconds", options.seconds, "Write for so long instead");
    app.add_option("--rate", options.rate, "Pours per second; 0 is full speed")
        ->check(CLI::NonNegativeNumber);
    app.add_option(
           "--connection",
           options.connection,
           "One per operation as in the field, or one that stays"
    )
        ->check(CLI::IsMember({"per-operation", "persistent"}));
    app.add_option(
        "--busy-timeout-ms", options.tap.busy_timeout_ms, "How long SQLite waits for a lock"
    );
    app.add_option("--on-busy", options.on_busy, "The field's program fails")
        ->check(CLI::IsMember({"retry", "fail"}));
    app.add_flag(
        "--refuse-while-new",
        options.tap.refuse_while_new,
        "Pour only when no row is 'new' (since M4)"
    );
    app.add_option(
        "--give-up-s", options.give_up_s, "Longest refusal, and longest wait for a lock"
    );
    app.add_option("--cards", options.bar.cards, "Cards of the guests, hex digits")->delimiter(',');
    app.add_option("--tap", options.bar.tap_id, "This tap's tap_id");
    app.add_option(
        "--price-per-ml-cents",
        options.bar.price_cents_per_ml,
        "What the server authorises (gen7, gen8)"
    );
    app.add_option("--days-ago", options.bar.days_ago, "How far start_ts and end_ts lie back");
    app.add_option("--seed", options.seed, "The same seed gives the same ids");
    app.add_option("--bad", options.bad, "Kinds of bad rows to plant, one each")
        ->delimiter(',')
        ->check(CLI::IsMember(kinds));
    app.add_option(
        "--latency-json",
        options.latency_json,
        "Write latencies, BUSY count and refusals here at the end"
    );
    app.footer(
        "Example:\n  tapline-tap-sim --journal j.db --create --release gen8 --count 100 --rate 5 "
        "--bad negative\n"
        "Prints one JSON line per pour after its COMMIT returned. SIGTERM ends it after the "
        "current pour."
    );
}

nlohmann::json printable(const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
        return *number;
    }
    const auto* text = std::get_if<Text>(&value);
    return text == nullptr ? nlohmann::json() : nlohmann::json(text->bytes);
}

/// Wall clock, so that another process can tell how long the pour took from here.
std::int64_t now_us() {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since_1970).count();
}

/// One write(2) per line: a reader of the file never sees a pour that isn't committed, nor half a
/// line.
void print_pour(const Pour& pour, std::int64_t rowid) {
    nlohmann::ordered_json line;
    line["id"] = printable(pour.columns.at("client_tx_id"));
    line["card"] = printable(pour.columns.at("card_uid"));
    line["tap"] = printable(pour.columns.at("tap_id"));
    line["volume_ml"] = printable(pour.columns.at("volume_ml"));
    line["price_cents"] = printable(pour.columns.at("price_cents"));
    line["kind"] = pour.kind;
    line["rowid"] = rowid;
    line["at_us"] = now_us();
    const std::string text =
        line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
    ssize_t written = 0;
    do {
        written = ::write(STDOUT_FILENO, text.data(), text.size());
    } while (written < 0 && errno == EINTR);
    if (written != static_cast<ssize_t>(text.size())) {
        throw std::runtime_error("stdout doesn't take the pour's line");
    }
}

void write_report(const Options& options, TapReport& report) {
    const std::string text = fmt::format(
        "{{\"release\":\"{}\",\"pours\":{},\"busy\":{},\"refusals\":{},\"longest_refusal_ms\":{},"
        "\"commit\":{},\"store\":{},\"operation\":{}}}\n",
        options.release,
        report.pours,
        report.busy,
        report.refusals,
        report.longest_refusal.count(),
        report.commit.json(),
        report.store.json(),
        report.operation.json()
    );
    std::fputs(text.c_str(), stderr);
    if (options.latency_json.empty()) {
        return;
    }
    std::ofstream out(options.latency_json);
    out << text << std::flush;
    if (!out) {
        throw std::runtime_error("can't write " + options.latency_json);
    }
}

void sleep_until(Latency::Clock::time_point when) {
    constexpr std::chrono::milliseconds slice{20};
    while (!stop_requested && Latency::Clock::now() < when) {
        std::this_thread::sleep_until(std::min(when, Latency::Clock::now() + slice));
    }
}

/// Bad rows stand evenly among the good ones; with --seconds after every fifth.
class Plan {
  public:
    explicit Plan(const Options& options)
        : options_(options),
          bad_(options.bad.begin(), options.bad.end()),
          gap_(
              options.count > 0
                  ? std::max<std::int64_t>(options.count / (std::ssize(options.bad) + 1), 1)
                  : 5
          ) {}

    [[nodiscard]] bool more(Latency::Clock::time_point start) const {
        const std::chrono::duration<double> spent = Latency::Clock::now() - start;
        if (options_.seconds > 0) {
            return spent.count() < options_.seconds;
        }
        return options_.count == 0 ? options_.bad.empty() || !bad_.empty()
                                   : good_ < options_.count || !bad_.empty();
    }

    [[nodiscard]] Pour next(PourSource& source) {
        const bool good_done =
            options_.seconds <= 0 && good_ >= options_.count && !options_.bad.empty();
        if (!bad_.empty() && (since_bad_ >= gap_ || good_done)) {
            const std::string kind = bad_.front();
            bad_.pop_front();
            since_bad_ = 0;
            return source.bad(kind);
        }
        ++good_;
        ++since_bad_;
        return source.good();
    }

  private:
    const Options& options_;
    std::deque<std::string> bad_;
    std::int64_t gap_;
    std::int64_t good_ = 0;
    std::int64_t since_bad_ = 0;
};

void run(const Options& options) {
    const Release& release = *find_release(options.release);
    Tap tap(release, options.tap, stop_requested);
    PourSource source(release, options.bar, options.seed);
    if (options.create) {
        tap.create();
    }
    Plan plan(options);
    const Latency::Clock::time_point start = Latency::Clock::now();
    std::int64_t slot = 0;
    const bool only_create =
        options.create && options.count == 0 && options.seconds <= 0 && options.bad.empty();
    while (!only_create && !stop_requested && plan.more(start)) {
        if (options.rate > 0) {
            const std::chrono::duration<double> offset(static_cast<double>(slot++) / options.rate);
            sleep_until(start + std::chrono::duration_cast<Latency::Clock::duration>(offset));
        }
        if (!tap.wait_until_it_may_pour()) {
            break;
        }
        const Pour pour = plan.next(source);
        const std::optional<std::int64_t> rowid = tap.store(pour);
        if (rowid) {
            print_pour(pour, *rowid);
        }
    }
    write_report(options, tap.report());
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Writes pours into a journal the way a release of the tap's own program does");
    add_options(app, options);
    CLI11_PARSE(app, argc, argv);
    options.tap.persistent = options.connection == "persistent";
    options.tap.retry_busy = options.on_busy == "retry";
    options.tap.give_up = std::chrono::seconds(options.give_up_s);
    std::signal(SIGTERM, request_stop);
    std::signal(SIGINT, request_stop);
    std::signal(SIGPIPE, SIG_IGN);
    try {
        run(options);
        return 0;
    } catch (const std::exception& error) {
        std::fputs(fmt::format("tapline-tap-sim: {}\n", error.what()).c_str(), stderr);
        return 1;
    }
}
