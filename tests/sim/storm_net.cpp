#include "tests/sim/storm_net.hpp"

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include "common/error.hpp"
#include "common/wire.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace tapline::test {

namespace {

/// The status, and of a problem its code.
std::string words_of(const http::Response& response) {
    if (response.status == 200) {
        return "200";
    }
    const auto problem = wire::decode_problem(response.status, response.body);
    return fmt::format("{} {}", response.status, problem.code);
}

}  // namespace

bool StormNet::happens(int of_a_thousand, int device, const char* fault) {
    const bool hit = std::uniform_int_distribution<int>(0, 999)(parts_.dice) < of_a_thousand;
    if (hit) {
        parts_.log.fault(device, fault);
    }
    return hit;
}

std::chrono::milliseconds StormNet::between(int least_ms, int most_ms) {
    return std::chrono::milliseconds(
        std::uniform_int_distribution<int>(least_ms, most_ms)(parts_.dice)
    );
}

std::shared_ptr<StormNet::Call> StormNet::begin(int device, bool link_up, http::Request request) {
    auto call = std::make_shared<Call>(parts_.clock);
    if (!up || !link_up) {
        call->broken = true;
        return call;
    }
    Trip trip;
    trip.device = device;
    trip.there = between(10, 60);
    trip.back = between(10, 60);
    if (happens(odds.late, device, "late")) {
        trip.there = between(1'000, 60'000);
    }
    trip.lose_request = happens(odds.lost_request, device, "lost request");
    trip.lose_answer = !trip.lose_request && happens(odds.lost_answer, device, "lost answer");
    if (happens(odds.doubled, device, "doubled")) {
        Trip again = trip;
        again.there = between(50, 600'000);
        again.lose_request = false;
        send(again, request, nullptr);
    }
    if (happens(odds.cut, device, "cut")) {
        const auto whole = static_cast<int>((trip.there + trip.back).count());
        auto cutting = cut(between(1, whole), call);
        asio::co_spawn(parts_.io, std::move(cutting), [this](std::exception_ptr failure) {
            mistakes_ += failure == nullptr ? 0 : 1;
        });
    }
    send(trip, std::move(request), call);
    return call;
}

void StormNet::send(Trip trip, http::Request request, std::shared_ptr<Call> call) {
    auto carrying = carry(trip, std::move(request), std::move(call));
    asio::co_spawn(parts_.io, std::move(carrying), [this](std::exception_ptr failure) {
        mistakes_ += failure == nullptr ? 0 : 1;
    });
}

asio::awaitable<void> StormNet::carry(
    Trip trip, http::Request request, std::shared_ptr<Call> call
) {
    auto going = parts_.clock.sleep(trip.there);
    co_await std::move(going);
    if (trip.lose_request || !up) {
        co_return;
    }
    const std::string target = request.target;
    auto handling = handler_(std::move(request));
    std::optional<http::Response> response = co_await std::move(handling);
    parts_.log.note(
        trip.device,
        fmt::format("{}{} {}", call ? "" : "again ", target, response ? words_of(*response) : "0")
    );
    if (!call || trip.lose_answer || !up) {
        co_return;
    }
    auto coming = parts_.clock.sleep(trip.back);
    co_await std::move(coming);
    call->broken = !response;
    call->answer = std::move(response);
    call->ended.notify();
}

asio::awaitable<void> StormNet::cut(std::chrono::milliseconds after, std::shared_ptr<Call> call) {
    auto waiting = parts_.clock.sleep(after);
    co_await std::move(waiting);
    call->broken = true;
    call->ended.notify();
}

asio::awaitable<http::Response> StormTransport::send(
    http::Request request, std::chrono::milliseconds deadline
) {
    const auto until = clock_.now_mono() + deadline;
    auto call = net_.begin(device_, link_up_, std::move(request));
    call_ = call;
    while (!call->answer && !call->broken && clock_.now_mono() < until) {
        auto waiting = call->ended.wait(until - clock_.now_mono());
        static_cast<void>(co_await std::move(waiting));
    }
    if (call->broken || !call->answer) {
        throw Error(ErrorKind::unreachable, "central_unreachable", "no answer", "wait");
    }
    co_return std::move(*call->answer);
}

void StormTransport::abandon() {
    if (call_) {
        call_->broken = true;
        call_->ended.notify();
    }
}

}  // namespace tapline::test
