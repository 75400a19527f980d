// What systemd, `tapline-agent status` and the log are told.
#include <algorithm>

#include <malloc.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "agent/service/service.hpp"
#include "agent/service/status_json.hpp"
#include "common/log.hpp"
#include "common/version.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace tapline::service {

namespace {

constexpr std::chrono::milliseconds status_pause = 500ms;
/// A drain of more pours than this leaves memory behind that an idle agent gives back.
constexpr std::int64_t pours_worth_a_trim = 1'000;

}  // namespace

void Service::changed(Served& served) {
    const auto& status = served.syncer.status();
    // After the checkpoint of a quiet journal: SQLite gives its cache back there.
    const bool drained = status.state == sync::SyncState::idle && status.wal_pages == 0;
    if (drained && status.acked_pours - served.trimmed_at >= pours_worth_a_trim) {
        served.trimmed_at = status.acked_pours;
        ::malloc_trim(0);
    }
    choose_log_level();
    if (status_due_ || stopping_) {
        return;
    }
    status_due_ = true;
    status_timer_.expires_after(status_pause);
    status_timer_.async_wait([this](const boost::system::error_code& cancelled) {
        status_due_ = false;
        if (!cancelled) {
            write_status();
        }
    });
}

/// Where room is scarce our own log doesn't take what the tap needs.
void Service::choose_log_level() {
    const bool scarce = std::any_of(served_.begin(), served_.end(), [](const Served& served) {
        return served.syncer.status().room >= sync::Room::scarce;
    });
    const bool talkative = settings_.log_level == "debug" || settings_.log_level == "info";
    const std::string level = scarce && talkative ? "warn" : settings_.log_level;
    if (level != log_level_) {
        set_log_level(level);
        log_level_ = level;
    }
}

void Service::write_status() {
    AgentStatus status;
    status.pid = ::getpid();
    status.version = version;
    status.name = trust_ ? trust_->renewer.identity().name : settings_.name;
    status.central = settings_.central;
    status.certificate_until =
        trust_ ? format_utc(trust_->renewer.identity().not_after) : std::string();
    status.written_at = format_utc(clock_.now_utc());
    status.refused_settings = refusal_;
    std::int64_t depth = 0;
    std::int64_t acked = 0;
    Seq newest = 0;
    std::string states;
    for (const auto& served : served_) {
        const auto& journal = served.syncer.status();
        status.journals.push_back(journal);
        depth += journal.depth;
        acked += journal.acked_pours;
        newest += journal.max_seq;
        states += fmt::format("{}{}", states.empty() ? "" : ", ", sync::name_of(journal.state));
    }
    wear_.note(clock_.now_mono(), journal::disk_use(), acked, newest);
    status.wear = wear_.figures();
    if (status_file_) {
        status_file_->write(encode(status));
    }
    std::string line = fmt::format("{}; {} pours wait", states, depth);
    if (!refusal_.empty()) {
        line += "; new settings refused: " + refusal_;
    }
    if (!told_stuck_.empty()) {
        line += "; stuck: " + told_stuck_;
    }
    if (line != told_systemd_) {
        told_systemd_ = line;
        notifier_.status(line);
    }
}

/// Both threads have to be alive for it, for the word goes through the storage thread and back, and
/// every loop has to be where it said it would be.
void Service::arm_watchdog() {
    if (!notifier_.watchdog_period() || stopping_) {
        return;
    }
    watchdog_timer_.expires_after(*notifier_.watchdog_period());
    watchdog_timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (cancelled) {
            return;
        }
        asio::post(storage_, [this] {
            asio::post(io_, [this] {
                if (everything_moves()) {
                    notifier_.alive();
                }
                arm_watchdog();
            });
        });
    });
}

bool Service::everything_moves() {
    std::string stuck;
    for (const auto& served : served_) {
        if (const char* at = served.syncer.stuck_at()) {
            stuck += fmt::format("{}{} at \"{}\"", stuck.empty() ? "" : ", ", served.file, at);
        }
    }
    if (stuck != told_stuck_) {
        told_stuck_ = stuck;
        if (!stuck.empty()) {
            spdlog::error("stuck: {}; systemd's watchdog isn't fed any more", stuck);
        }
        write_status();
    }
    return stuck.empty();
}

}  // namespace tapline::service
