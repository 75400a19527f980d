#include "agent/identity/renewer.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "agent/identity/enroll.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace tapline::identity {

namespace {

constexpr std::chrono::milliseconds longest_sleep = 1h;
constexpr std::chrono::milliseconds shortest_sleep = 500ms;
constexpr std::chrono::milliseconds first_pause = 5s;
constexpr std::chrono::milliseconds longest_pause = 1h;
constexpr std::chrono::milliseconds deadline = 30s;

}  // namespace

Renewer::Renewer(
    std::filesystem::path directory, Identity identity, Clock& clock, CentralClock& time
)
    : directory_(std::move(directory)),
      identity_(std::move(identity)),
      clock_(clock),
      time_(time),
      wake_(clock),
      due_(identity_.not_before + (identity_.not_after - identity_.not_before) / 2) {}

void Renewer::stop() {
    stopping_ = true;
    wake_.notify();
}

void Renewer::wanted() {
    wanted_ = true;
    wake_.notify();
}

asio::awaitable<void> Renewer::run(sync::Transport& transport, std::string agent_version) {
    sync::Client client(transport, identity_.name, std::move(agent_version));
    MonoTime not_before = clock_.now_mono();
    while (!stopping_) {
        const auto until_due = std::chrono::duration_cast<std::chrono::milliseconds>(
            wanted_ ? std::chrono::milliseconds(0) : due_ - time_.now()
        );
        const auto until_allowed = not_before - clock_.now_mono();
        const auto rest = std::max<std::chrono::milliseconds>(until_due, until_allowed);
        if (rest > 0ms) {
            // A clock that is set meanwhile makes the sleep wrong: never longer than an hour.
            auto waiting = wake_.wait(std::clamp(rest, shortest_sleep, longest_sleep));
            static_cast<void>(co_await std::move(waiting));
            continue;
        }
        wanted_ = false;
        auto renewing = renew(client);
        const bool done = co_await std::move(renewing);
        pause_ = done ? first_pause : std::clamp(pause_ * 2, first_pause, longest_pause);
        not_before = clock_.now_mono() + pause_;
    }
}

asio::awaitable<bool> Renewer::renew(sync::Client& client) {
    try {
        const auto key = pki::Key::from_pem(identity_.credentials->key);
        wire::RenewRequest request;
        request.csr = pki::Request::make(key);
        auto asking = client.renew(std::move(request), deadline);
        const sync::EnrollAnswer answer = co_await std::move(asking);
        if (const auto* problem = std::get_if<wire::Problem>(&answer)) {
            throw refusal(*problem);
        }
        take(std::get<wire::Enrolled>(answer));
        co_return true;
    } catch (const Error& failure) {
        spdlog::warn(
            "the certificate, which ends at {}, isn't renewed: {} ({})",
            format_utc(identity_.not_after),
            printable(failure.what()),
            printable(failure.hint())
        );
    }
    co_return false;
}

void Renewer::take(const wire::Enrolled& enrolled) {
    sync::Credentials next;
    next.key = identity_.credentials->key;
    next.certificate = enrolled.certificate;
    next.roots = enrolled.roots;
    identity_ = assemble(identity_.central, std::move(next));
    time_.heard(enrolled.server_utc_ms);
    // Half of what is left by central's own clock: certificates begin a little in the past.
    const UtcTime now{std::chrono::milliseconds(enrolled.server_utc_ms)};
    due_ = now + (identity_.not_after - now) / 2;
    try {
        save(directory_, identity_);
    } catch (const Error& failure) {
        // The old one is good for as long as it was; this process goes on with the new one.
        spdlog::error("{} ({})", failure.what(), failure.hint());
    }
    spdlog::info("the certificate is renewed until {}", format_utc(identity_.not_after));
}

}  // namespace tapline::identity
