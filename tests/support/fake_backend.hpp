// A Backend that remembers what it was asked and answers as it is told.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "central/gateway/backend.hpp"
#include "central/gateway/problem.hpp"

namespace tapline::test {

/// code (empty for a renewal) and request -> what is answered
using EnrollAnswer =
    std::function<gateway::EnrollOutcome(const std::string& code, const std::string& csr)>;

class FakeBackend : public gateway::Backend {
  public:
    int calls = 0;
    bool is_ready = true;
    std::string controller;
    wire::Batch batch;
    wire::Hello said;
    bool hold = false;
    std::optional<settle::Outcome> outcome;
    std::chrono::milliseconds delay{};

    [[nodiscard]] boost::asio::awaitable<settle::Outcome> pours(std::string who, wire::Batch what)
        override {
        ++calls;
        controller = std::move(who);
        batch = std::move(what);
        if (delay.count() > 0) {
            auto executor = co_await boost::asio::this_coro::executor;
            boost::asio::steady_timer timer(executor, delay);
            co_await timer.async_wait(boost::asio::use_awaitable);
        }
        if (outcome) {
            co_return *outcome;
        }
        wire::Ack ack;
        ack.acked_through = batch.last_seq;
        co_return ack;
    }

    [[nodiscard]] boost::asio::awaitable<gateway::HelloOutcome> hello(
        std::string, wire::Hello hello
    ) override {
        ++calls;
        said = std::move(hello);
        wire::HelloReply reply;
        reply.cursor = 7;
        reply.directives.hold = hold;
        co_return reply;
    }

    wire::EpochRequest asked;
    std::string asked_for;

    [[nodiscard]] boost::asio::awaitable<gateway::EpochOutcome> epoch(
        std::string who, std::string journal_id, wire::EpochRequest request
    ) override {
        ++calls;
        controller = std::move(who);
        asked_for = std::move(journal_id);
        asked = std::move(request);
        wire::EpochGrant grant;
        grant.epoch = asked.epoch + 1;
        grant.cursor = asked.last_common_seq;
        grant.hash = asked.hash;
        co_return grant;
    }

    fleet::Standing standing = fleet::Standing::enrolled;
    fleet::Caller caller;
    std::optional<EnrollAnswer> enrolling;

    [[nodiscard]] boost::asio::awaitable<gateway::AdmitOutcome> admit(
        fleet::Caller who, bool /*fresh*/
    ) override {
        caller = std::move(who);
        co_return standing;
    }

    [[nodiscard]] boost::asio::awaitable<gateway::EnrollOutcome> enroll(
        wire::EnrollRequest request, std::string /*address*/
    ) override {
        ++calls;
        gateway::EnrollOutcome answered = gateway::no_authority();
        if (enrolling) {
            answered = (*enrolling)(request.code, request.csr);
        }
        co_return answered;
    }

    [[nodiscard]] boost::asio::awaitable<gateway::EnrollOutcome> renew(
        fleet::Caller who, wire::RenewRequest request
    ) override {
        ++calls;
        caller = std::move(who);
        gateway::EnrollOutcome answered = gateway::no_authority();
        if (enrolling) {
            answered = (*enrolling)("", request.csr);
        }
        co_return answered;
    }

    [[nodiscard]] boost::asio::awaitable<std::optional<wire::Problem>> obstacle() override {
        std::optional<wire::Problem> answer;
        if (!is_ready) {
            answer = gateway::not_ready();
        }
        co_return answer;
    }
};

}  // namespace tapline::test
