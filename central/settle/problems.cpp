#include "central/settle/problems.hpp"

#include <utility>

#include <fmt/format.h>

namespace tapline::settle::problems {

namespace {

constexpr std::chrono::seconds retry_soon{2};
constexpr std::chrono::seconds retry_after_hold{10};
/// Often enough that a device that waits still counts as alive.
constexpr std::chrono::seconds retry_contested{15};

wire::Problem problem(int status, std::string code, std::string title, std::string action) {
    wire::Problem made;
    made.status = status;
    made.code = std::move(code);
    made.title = std::move(title);
    made.action = std::move(action);
    return made;
}

}  // namespace

wire::Problem bad_request(std::string code, std::string detail) {
    auto made = problem(400, std::move(code), "The batch contradicts itself", "resync");
    made.detail = std::move(detail);
    return made;
}

wire::Problem foreign_journal(const std::string& journal_id) {
    auto made = problem(403, "not_yours", "This journal belongs to another controller", "wait");
    made.detail = fmt::format(
        "journal {} was registered by another controller; an operator moves it if that is right",
        journal_id
    );
    return made;
}

wire::Problem unknown_journal(const std::string& journal_id) {
    auto made = problem(409, "unknown_journal", "Central doesn't know this journal", "resync");
    made.detail = fmt::format("say hello for journal {} first", journal_id);
    return made;
}

wire::Problem gap(Seq expected_seq) {
    auto made = problem(409, "gap", "Pours before this batch are missing", "resync");
    made.detail = fmt::format("the next pour that central needs is {}", expected_seq);
    made.expected_seq = expected_seq;
    return made;
}

wire::Problem fork(Seq cursor) {
    auto made = problem(409, "fork", "The journal's past differs from what central has", "fork");
    made.detail = fmt::format("the row chain at {} isn't the one that central has settled", cursor);
    return made;
}

wire::Problem epoch_closed(std::int64_t epoch) {
    auto made = problem(409, "epoch_closed", "This epoch has ended", "fork");
    made.detail = fmt::format("an operator decided on a fork; epoch {} takes no more pours", epoch);
    return made;
}

wire::Problem two_alive(const std::string& journal_id) {
    auto made = problem(409, "two_alive", "Two devices show this journal at once", "wait");
    made.detail = fmt::format(
        "journal {}: keep the pours; switch one of the two off, or an operator decides: "
        "tapline-central controllers forks",
        journal_id
    );
    made.retry_after = retry_contested;
    return made;
}

wire::Problem hold(std::string reason) {
    auto made = problem(503, "hold", "Central asks to keep pours for a while", "hold");
    made.detail = std::move(reason);
    made.retry_after = retry_after_hold;
    return made;
}

wire::Problem try_later(std::string code, std::string detail) {
    auto made = problem(503, std::move(code), "Central can't settle this now", "retry");
    made.detail = std::move(detail);
    made.retry_after = retry_soon;
    return made;
}

}  // namespace tapline::settle::problems
