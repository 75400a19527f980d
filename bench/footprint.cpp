#include "bench/footprint.hpp"

#include <algorithm>
#include <optional>

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/lab/journals.hpp"
#include "bench/lab/loop_disk.hpp"
#include "bench/lab/postgres.hpp"
#include "bench/lab/proc_stat.hpp"
#include "bench/lab/statistics.hpp"
#include "bench/lab/tap.hpp"
#include "common/error.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::int64_t idle_rows = 1'000;
constexpr double paced_rate = 5;
// The agent checkpoints after 5 quiet seconds, ext4 commits every 5 and the kernel writes back
// pages older than 30 seconds: only then is a disk without orders silent.
constexpr std::chrono::seconds settle_time{12};

/// Differences of the counters over a period.
struct Period {
    double seconds = 0;
    std::int64_t switches = 0;
    std::int64_t bytes = 0;
    std::int64_t sectors = 0;
    double cpu_s = 0;
};

class Meter {
  public:
    Meter(pid_t pid, const std::string& device) : pid_(pid), device_(device), start_(read()) {}

    [[nodiscard]] Period so_far() const {
        const Period now = read();
        return {
            now.seconds - start_.seconds,
            now.switches - start_.switches,
            now.bytes - start_.bytes,
            now.sectors - start_.sectors,
            now.cpu_s - start_.cpu_s,
        };
    }

  private:
    [[nodiscard]] Period read() const {
        const std::chrono::duration<double> now =
            std::chrono::steady_clock::now().time_since_epoch();
        Period period;
        period.seconds = now.count();
        if (pid_ > 0) {
            period.switches = context_switches(pid_);
            period.bytes = written_bytes(pid_);
            period.cpu_s = cpu_seconds(pid_);
        }
        if (!device_.empty()) {
            period.sectors = written_sectors(device_);
        }
        return period;
    }

    pid_t pid_;
    std::string device_;
    Period start_;
};

void quieten() {
    sync();
    pause_for(settle_time);
    sync();
    pause_for(std::chrono::seconds(1));
}

Json describe(const Memory& memory) {
    const auto mib = [](std::int64_t kib) { return rounded(static_cast<double>(kib) / 1024, 2); };
    return {
        {"rss_mib", mib(memory.rss_kib)},
        {"rss_anonymous_mib", mib(memory.anonymous_kib)},
        {"rss_file_mib", mib(memory.file_kib)},
        {"highest_rss_mib", mib(memory.highest_kib)},
    };
}

class Footprint {
  public:
    Footprint(const Lab& lab, const FootprintOptions& options)
        : lab_(lab),
          options_(options),
          database_(lab.fresh_database("footprint")),
          central_(lab.programs(), database_.url(), lab.log("footprint-central")),
          connection_(database_.url()) {}

    [[nodiscard]] Json idle_and_paced();
    [[nodiscard]] Json draining();

  private:
    [[nodiscard]] std::unique_ptr<Child> agent_for(
        const fs::path& journal, const std::string& name
    );
    void wait_settled(std::int64_t rows);
    [[nodiscard]] Json idle(const Child& agent, const std::string& device);
    [[nodiscard]] Json paced(
        const Child& agent, const fs::path& journal, const std::string& device
    );
    [[nodiscard]] fs::path disk_directory(Json& report);

    const Lab& lab_;
    const FootprintOptions& options_;
    Database database_;
    Central central_;
    PgConnection connection_;
    std::optional<LoopDisk> disk_;
    std::int64_t settled_ = 0;
};

std::unique_ptr<Child> Footprint::agent_for(const fs::path& journal, const std::string& name) {
    const AgentOptions options{name, central_.url(), {journal}, false};
    return start_agent(lab_.programs(), options, lab_.log("footprint-" + name));
}

void Footprint::wait_settled(std::int64_t rows) {
    settled_ += rows;
    const auto done = [&] { return moved_rows(connection_) >= settled_; };
    wait_until(done, lab_.options().limit, "the footprint's pours are settled");
}

fs::path Footprint::disk_directory(Json& report) {
    fs::path directory = lab_.directory() / "footprint";
    fs::create_directories(directory);
    try {
        disk_.emplace(directory);
        report["disk"] = "ext4 on a loop device";
        return disk_->mounted();
    } catch (const Error& error) {
        report["disk"] = "the work directory's";
        report["sectors_skipped"] = error.what();
        return directory;
    }
}

Json Footprint::idle(const Child& agent, const std::string& device) {
    quieten();
    say(fmt::format("idle for {} s", options_.seconds));
    const Meter meter(agent.pid(), device);
    pause_for(std::chrono::seconds(options_.seconds));
    const Period period = meter.so_far();
    Json json = describe(memory_of(agent.pid()));
    json["seconds"] = rounded(period.seconds, 1);
    json["context_switches_per_s"] =
        rounded(static_cast<double>(period.switches) / period.seconds, 2);
    json["cpu_ms_per_s"] = rounded(period.cpu_s * 1'000 / period.seconds);
    json["agent_bytes"] = period.bytes;
    if (!device.empty()) {
        json["sectors"] = period.sectors;
    }
    return json;
}

Json Footprint::paced(const Child& agent, const fs::path& journal, const std::string& device) {
    TapOptions tap_options;
    tap_options.journal = journal;
    tap_options.rate = paced_rate;
    tap_options.count = static_cast<std::int64_t>(paced_rate) * options_.seconds;
    Command command = tap_command(lab_, tap_options);
    command.log = lab_.log("footprint-tap");
    say(fmt::format("a tap writes {} pours at {}/s", tap_options.count, paced_rate));
    const Meter meter(agent.pid(), device);
    Child tap(command);
    tap.require_success(std::chrono::seconds(options_.seconds + 60));
    wait_settled(tap_options.count);
    const Memory memory = memory_of(agent.pid());
    const Period work = meter.so_far();
    // The checkpoint and the kernel's own writes come later.
    quieten();
    const Period disk = meter.so_far();
    const auto pours = static_cast<double>(tap_options.count);
    Json json = describe(memory);
    json["pours"] = tap_options.count;
    json["rate_per_s"] = paced_rate;
    json["agent_bytes_per_pour"] = rounded(static_cast<double>(disk.bytes) / pours, 0);
    json["context_switches_per_pour"] = rounded(static_cast<double>(work.switches) / pours, 1);
    json["cpu_ms_per_pour"] = rounded(work.cpu_s * 1'000 / pours, 2);
    if (!device.empty()) {
        json["sectors_per_pour_writer_and_agent"] =
            rounded(static_cast<double>(disk.sectors) / pours, 1);
    }
    return json;
}

Json Footprint::idle_and_paced() {
    Json report;
    const fs::path directory = disk_directory(report);
    const std::string device = disk_ ? disk_->device() : std::string();
    const fs::path journal = directory / "journal.db";
    make_journal(lab_.programs(), journal);
    PourSource source(9'001, 1);
    fill_journal(journal, source, idle_rows);
    {
        const auto agent = agent_for(journal, "idle");
        wait_settled(idle_rows);
        report["idle"] = idle(*agent, device);
        report["paced"] = paced(*agent, journal, device);
    }
    if (disk_) {
        quieten();
        say(fmt::format("control without agent for {} s", options_.seconds));
        const Meter meter(0, device);
        pause_for(std::chrono::seconds(options_.seconds));
        const std::int64_t control = meter.so_far().sectors;
        report["control_sectors"] = control;
        report["idle"]["sectors_minus_control"] =
            report["idle"]["sectors"].get<std::int64_t>() - control;
    }
    disk_.reset();
    return report;
}

Json Footprint::draining() {
    const fs::path journal =
        make_backlog(lab_.programs(), lab_.directory() / "footprint-drain", 1, options_.drain_rows)
            .front();
    sync();
    say(fmt::format("draining {} pours", options_.drain_rows));
    const auto agent = agent_for(journal, "draining");
    Memory most;
    const auto done = [&] {
        const Memory now = memory_of(agent->pid());
        if (now.rss_kib > most.rss_kib) {
            most = now;
        }
        return moved_rows(connection_) >= settled_ + options_.drain_rows;
    };
    wait_until(done, lab_.options().limit, "the backlog is settled");
    settled_ += options_.drain_rows;
    // Marks and the checkpoint come after the last ack.
    quieten();
    most.highest_kib = std::max(most.highest_kib, memory_of(agent->pid()).highest_kib);
    const auto rows = static_cast<double>(options_.drain_rows);
    Json json = describe(most);
    json["rows"] = options_.drain_rows;
    json["agent_bytes_per_pour"] =
        rounded(static_cast<double>(written_bytes(agent->pid())) / rows, 1);
    json["cpu_us_per_pour"] = rounded(cpu_seconds(agent->pid()) * 1e6 / rows, 1);
    json["journal_bytes_per_pour"] = rounded(static_cast<double>(fs::file_size(journal)) / rows, 1);
    return json;
}

}  // namespace

Json measure_footprint(const Lab& lab, const FootprintOptions& options) {
    Footprint footprint(lab, options);
    Json result = footprint.idle_and_paced();
    result["draining"] = footprint.draining();
    return result;
}

}  // namespace tapline::bench
