#include "bench/latency.hpp"

#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <thread>

#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/lab/bar.hpp"
#include "bench/lab/journals.hpp"
#include "bench/lab/postgres.hpp"
#include "bench/lab/statistics.hpp"
#include "bench/lab/tap.hpp"
#include "central/pg/array.hpp"
#include "common/error.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::chrono::microseconds look_pause{200};
constexpr std::chrono::seconds news_limit{30};
constexpr std::int64_t late_us = 2'000;

constexpr const char* select_visible =
    "SELECT client_tx_id FROM pours WHERE client_tx_id = ANY($1::text[])";

std::int64_t now_us() {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since_1970).count();
}

/// The lines of a pipe, as they come.
class Lines {
  public:
    explicit Lines(int fd) : fd_(fd) {}

    /// The next whole line; nullopt when there is none within `patience`.
    [[nodiscard]] std::optional<std::string> next(std::chrono::milliseconds patience) {
        if (buffer_.find('\n') == std::string::npos && !ended_) {
            read_more(patience);
        }
        const std::size_t at = buffer_.find('\n');
        if (at == std::string::npos) {
            return std::nullopt;
        }
        std::string line = buffer_.substr(0, at);
        buffer_.erase(0, at + 1);
        return line;
    }

    [[nodiscard]] bool ended() const noexcept { return ended_; }

  private:
    void read_more(std::chrono::milliseconds patience) {
        pollfd ready{fd_, POLLIN, 0};
        if (poll(&ready, 1, static_cast<int>(patience.count())) <= 0) {
            return;
        }
        std::array<char, 4'096> bytes{};
        const ssize_t got = read(fd_, bytes.data(), bytes.size());
        if (got > 0) {
            buffer_.append(bytes.data(), static_cast<std::size_t>(got));
        }
        ended_ = got == 0 || (got < 0 && errno != EINTR);
    }

    int fd_;
    std::string buffer_;
    bool ended_ = false;
};

/// Pours whose COMMIT returned and that PostgreSQL doesn't show yet.
class Watcher {
  public:
    explicit Watcher(PgConnection& connection) : connection_(connection) {
        connection_.prepare("visible", select_visible);
    }

    void written(const Json& line) {
        const std::int64_t written_us = line.at("at_us").get<std::int64_t>();
        under_way_[line.at("id").get<std::string>()] = written_us;
        late_ += now_us() - written_us > late_us ? 1 : 0;
    }

    [[nodiscard]] bool idle() const noexcept { return under_way_.empty(); }

    void look() {
        pg::ArrayBuilder ids;
        for (const auto& [id, written_us] : under_way_) {
            ids.text(id);
        }
        const std::int64_t before_us = now_us();
        const PgResult found = connection_.run("visible", {ids.literal()});
        const std::int64_t after_us = now_us();
        look_ms_.push_back(static_cast<double>(after_us - before_us) / 1'000);
        for (int row = 0; row < found.rows(); ++row) {
            const auto pour = under_way_.find(found.text(row, 0));
            visible_ms_.push_back(static_cast<double>(after_us - pour->second) / 1'000);
            under_way_.erase(pour);
        }
    }

    [[nodiscard]] Json describe() const {
        Json json = summary(visible_ms_);
        json["unit"] = "ms";
        json["look_p50_ms"] = rounded(median(look_ms_));
        json["looked_late"] = late_;
        return json;
    }

  private:
    PgConnection& connection_;
    std::map<std::string, std::int64_t> under_way_;  ///< id -> when its COMMIT returned
    std::vector<double> visible_ms_;
    std::vector<double> look_ms_;  ///< one look at PostgreSQL: part of the resolution
    int late_ = 0;
};

/// Until the tap has ended and every pour of it was seen.
void watch(Lines& lines, Watcher& watcher) {
    const auto patience = [&] {
        return watcher.idle() ? std::chrono::milliseconds(50) : std::chrono::milliseconds(0);
    };
    auto last_news = std::chrono::steady_clock::now();
    while (!lines.ended() || !watcher.idle()) {
        throw_if_interrupted();
        while (const std::optional<std::string> line = lines.next(patience())) {
            watcher.written(Json::parse(*line));
            last_news = std::chrono::steady_clock::now();
        }
        if (!watcher.idle()) {
            watcher.look();
            std::this_thread::sleep_for(look_pause);
        }
        if (std::chrono::steady_clock::now() - last_news > news_limit) {
            throw Error(
                ErrorKind::unreachable, "timed_out", "neither a pour nor its settling for 30 s"
            );
        }
    }
}

Json measure_one(const Lab& lab, const LatencyOptions& options, bool with_hint) {
    const std::string name = with_hint ? "latency_hint" : "latency_poll";
    const Database database = lab.fresh_database(name);
    const fs::path directory = lab.directory() / name;
    fs::create_directories(directory);
    const fs::path journal = directory / "journal.db";
    make_journal(lab.programs(), journal);
    Central central(lab.programs(), database.url(), lab.log(name + "-central"));
    const AgentOptions agent_options{"controller-1", central.url(), {journal}, !with_hint};
    const auto agent = start_agent(lab.programs(), agent_options, lab.log(name + "-agent"));
    PgConnection connection(database.url());
    wait_registered(connection, 1);
    TapOptions tap_options;
    tap_options.journal = journal;
    tap_options.persistent = true;
    tap_options.rate = options.rate;
    tap_options.count = options.pours;
    Command command = tap_command(lab, tap_options);
    command.log = lab.log(name + "-tap");
    command.pipe_output = true;
    Child tap(command);
    Lines lines(tap.output_fd());
    Watcher watcher(connection);
    watch(lines, watcher);
    tap.require_success(std::chrono::seconds(10));
    Json described = watcher.describe();
    say(fmt::format("{}: {}", name, described.dump()));
    return described;
}

}  // namespace

Json measure_latency(const Lab& lab, const LatencyOptions& options) {
    Json result;
    result["pours"] = options.pours;
    result["rate_per_s"] = options.rate;
    result["with_hint"] = measure_one(lab, options, true);
    result["without_hint"] = measure_one(lab, options, false);
    return result;
}

}  // namespace tapline::bench
