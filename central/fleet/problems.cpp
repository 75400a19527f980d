#include "central/fleet/problems.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace tapline::fleet::problems {

namespace {

constexpr std::chrono::seconds ask_again_pending{60};
constexpr std::chrono::seconds ask_again_contested{15};
constexpr const char* new_code = "an operator prints a new one: tapline-central controllers enroll";

wire::Problem refusal(const char* code, const char* title, std::string detail) {
    wire::Problem made;
    made.status = 403;
    made.code = code;
    made.title = title;
    made.detail = std::move(detail);
    made.action = "wait";
    return made;
}

}  // namespace

wire::Problem code_wrong() {
    return refusal(
        "code_wrong", "Central knows no such code", "check that the token was pasted whole"
    );
}

wire::Problem code_locked() {
    return refusal("code_locked", "This code was tried too often", new_code);
}

wire::Problem code_expired() {
    return refusal("code_expired", "This code is too old or was cancelled", new_code);
}

wire::Problem code_used() {
    return refusal(
        "code_used",
        "Another device has used this code",
        fmt::format("if nobody of yours did, revoke that controller; {}", new_code)
    );
}

wire::Problem malformed_request() {
    auto made = refusal(
        "bad_request",
        "The certificate request can't be used",
        "it must be PKCS #10, on P-256, signed by its own key"
    );
    made.status = 400;
    return made;
}

wire::Problem malformed_epoch_request() {
    auto made = refusal(
        "bad_request",
        "The request for an epoch can't be used",
        "the journal's id must be a UUID, and reason one of fork, restored, salvage"
    );
    made.status = 400;
    return made;
}

wire::Problem revoked(const std::string& name) {
    return refusal(
        "revoked",
        "This device was shut out",
        fmt::format("{}: keep the journal; an operator enrols it again if that is right", name)
    );
}

wire::Problem not_same_key() {
    return refusal(
        "not_same_key",
        "A renewal keeps the key",
        "the request is signed by another key than the certificate's; enrol again for a new key"
    );
}

wire::Problem grace_over() {
    return refusal(
        "grace_over",
        "The certificate ended too long ago to be renewed",
        fmt::format("keep the journal and enrol again; {}", new_code)
    );
}

wire::Problem another_alive(const std::string& journal_id, std::chrono::seconds until) {
    auto made = refusal(
        "another_alive",
        "Another device showed this journal a moment ago",
        fmt::format(
            "journal {}: if the other one stays silent for {} s this one goes on, else an operator "
            "decides",
            journal_id,
            until.count()
        )
    );
    made.status = 409;
    made.retry_after = std::min(until + std::chrono::seconds(1), ask_again_contested);
    return made;
}

wire::Problem not_chosen(const std::string& journal_id) {
    auto made = refusal(
        "not_chosen",
        "An operator decided for another device",
        fmt::format(
            "journal {}: keep the file; to let this one in too: tapline-central controllers forks",
            journal_id
        )
    );
    made.status = 409;
    return made;
}

wire::Problem too_many_epochs(const std::string& journal_id) {
    auto made = refusal(
        "too_many_epochs",
        "This journal forks over and over again",
        fmt::format("journal {}: look at the card, and whether two devices share it", journal_id)
    );
    made.status = 409;
    made.retry_after = std::chrono::minutes(10);
    return made;
}

std::string pending_words(const std::string& name) {
    return fmt::format(
        "central doesn't know this device; an operator decides: tapline-central controllers "
        "approve {}",
        name
    );
}

wire::Problem pending(const std::string& name) {
    auto made = refusal("pending", "This device waits for an operator", pending_words(name));
    made.status = 503;
    made.action = "hold";
    made.retry_after = ask_again_pending;
    return made;
}

}  // namespace tapline::fleet::problems
