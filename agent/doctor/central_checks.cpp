// What central says, asked by the agent's own client, with its certificate and its limits.
#include <exception>
#include <memory>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include "agent/doctor/looks.hpp"
#include "agent/identity/identity.hpp"
#include "agent/journal/identity.hpp"
#include "agent/journal/journal.hpp"
#include "agent/sync/advice.hpp"
#include "agent/sync/client.hpp"
#include "agent/sync/hello_of.hpp"
#include "agent/sync/https_transport.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/log.hpp"
#include "common/version.hpp"

namespace asio = boost::asio;

namespace tapline::doctor {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds answer_limit = 4s;
constexpr std::chrono::milliseconds group_limit = 5s;
constexpr int tries = 2;

/// One way to central. Nothing here moves.
class Way {
  public:
    explicit Way(const service::Settings& settings)
        : identity_(identity_of(settings)),
          transport_(sync::parse_central_url(settings.central), {}, trust()),
          client_(transport_, identity_ ? identity_->name : settings.name, std::string(version)) {}

    [[nodiscard]] http::Response ready() {
        return wait(transport_.send(http::Request("GET", "/readyz"), answer_limit));
    }

    [[nodiscard]] sync::HelloAnswer hello(wire::Hello hello) {
        hello.controller = identity_ ? identity_->name : name_;
        return wait(client_.hello(std::move(hello), answer_limit));
    }

    [[nodiscard]] bool can_show_itself() const { return !needs_identity_ || identity_.has_value(); }

  private:
    std::optional<identity::Identity> identity_of(const service::Settings& settings) {
        name_ = settings.name;
        needs_identity_ = sync::parse_central_url(settings.central).tls;
        return needs_identity_ ? identity::load(settings.state_dir) : std::nullopt;
    }

    sync::TransportTrust trust() {
        sync::TransportTrust trust;
        if (identity_) {
            trust.credentials = [shown = identity_->credentials] { return shown; };
            trust.dates_count = &clock_synchronized;
        }
        return trust;
    }

    template <typename Answer>
    Answer wait(asio::awaitable<Answer> asking) {
        std::optional<Answer> answer;
        std::exception_ptr failed;
        asio::co_spawn(io_, std::move(asking), [&](std::exception_ptr failure, Answer what) {
            failed = std::move(failure);
            answer = std::move(what);
        });
        io_.restart();
        io_.run();
        if (failed) {
            std::rethrow_exception(failed);
        }
        return std::move(*answer);
    }

    std::string name_;
    bool needs_identity_ = false;
    asio::io_context io_{1};  // before the transport: the connection must be gone first
    std::optional<identity::Identity> identity_;
    sync::HttpsTransport transport_;
    sync::Client client_;
};

constexpr const char* reach_advice =
    "Pours are kept meanwhile. See the network checks above; is tapline-central running, and its "
    "port open?";

void ask_ready(const service::Settings& settings, const Tell& tell) {
    Check check{"central_reachable", Verdict::skip, "no address of central is set", "", ""};
    if (settings.central.empty()) {
        tell(check);
        return;
    }
    Way way(settings);
    if (!way.can_show_itself()) {
        check.measured = "not asked without a certificate: see identity";
        tell(check);
        return;
    }
    try {
        const auto answer = way.ready();
        const bool ready = answer.status == 200;
        check.verdict = ready ? Verdict::ok : Verdict::warn;
        check.measured = fmt::format(
            "{} answers {}{}",
            settings.central,
            answer.status,
            ready ? "" : ": " + printable(answer.body, 200)
        );
        check.what_to_do =
            ready ? ""
                  : "Pours are kept meanwhile. Central's operator sees why: its /readyz, its log.";
    } catch (const Error& failure) {
        check.verdict = Verdict::warn;
        check.measured = failure.what();
        check.what_to_do = failure.hint();
    }
    tell(check);
}

wire::Hello compose(const std::string& journal) {
    const auto reader = journal::JournalReader::look(journal);
    const auto identity = reader->identity();
    auto hello = sync::hello_of(*reader, identity.acked_through, identity.acked_hash);
    hello.agent_version = version;
    hello.fingerprint = journal::hardware_fingerprint();
    hello.clock.utc_ms = system_clock().now_utc().time_since_epoch().count();
    hello.clock.boot_id = boot_id();
    return hello;
}

Check verdict_of(const wire::HelloReply& reply, const wire::Hello& hello) {
    Check check{"central_accepts", Verdict::ok, "", "", ""};
    check.measured = fmt::format(
        "agent {}, journal {}; central {}{}{}",
        version,
        hello.revision,
        printable(reply.central_revision, 60),
        reply.journal_minimum.empty() ? "" : ", least " + printable(reply.journal_minimum, 60),
        reply.directives.hold ? "; it asks to hold: " + printable(reply.directives.hold_reason) : ""
    );
    return check;
}

Check verdict_of(const wire::Problem& problem) {
    Check check{"central_accepts", Verdict::warn, "", "", ""};
    check.measured = fmt::format(
        "{}: {}. {}",
        printable(problem.code, 64),
        printable(problem.title),
        printable(problem.detail)
    );
    switch (sync::advise(problem)) {
        case sync::Step::upgrade:
            check.verdict = Verdict::fail;
            check.what_to_do =
                "Install the newer tapline-agent (or raise the journal): see detail.";
            break;
        case sync::Step::fork:
            check.verdict = Verdict::fail;
            check.what_to_do =
                "This journal and central tell different histories: docs/forks.md. Keep the file.";
            break;
        case sync::Step::hold:
        case sync::Step::retry:
        case sync::Step::resync:
        case sync::Step::split:
            check.what_to_do =
                "It passes by itself: pours are kept meanwhile. Ask again in a minute.";
            break;
        case sync::Step::wait:
            check.verdict = Verdict::fail;
            check.what_to_do = "Central's operator has to act: tapline-central controllers list.";
            break;
    }
    return check;
}

void ask_versions(const service::Settings& settings, const std::string& journal, const Tell& tell) {
    Way way(settings);  // reads the key while it may; then this becomes the journal's owner
    Check check;
    for (int i = 0; i < tries; ++i) {
        const auto hello = compose(journal);
        const auto answer = way.hello(hello);
        if (const auto* reply = std::get_if<wire::HelloReply>(&answer)) {
            check = verdict_of(*reply, hello);
            break;
        }
        // A running agent may have brought pours between our look and central's answer.
        check = verdict_of(std::get<wire::Problem>(answer));
    }
    tell(check);
}

}  // namespace

Group central_group(const service::Settings& settings) {
    Group group;
    group.ids = {"central_reachable"};
    group.limit = group_limit;
    group.late = Verdict::warn;
    group.late_advice = reach_advice;
    group.look = [settings](const Tell& tell) { ask_ready(settings, tell); };
    return group;
}

Group versions_group(const service::Settings& settings, const std::string& journal) {
    Group group;
    group.ids = {"central_accepts"};
    group.subject = journal;
    group.limit = group_limit;
    group.needs = {"central_reachable", "journal_adopted"};
    group.late = Verdict::warn;
    group.late_advice = reach_advice;
    group.look = [settings, journal](const Tell& tell) { ask_versions(settings, journal, tell); };
    return group;
}

}  // namespace tapline::doctor
