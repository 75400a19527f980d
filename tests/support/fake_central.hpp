// A central behind the Transport seam: keeps rows in memory and misbehaves as it is told.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "agent/sync/transport.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/wire.hpp"

namespace tapline::test {

enum class Fault {
    none,
    drop,         ///< the request never arrives
    lose_answer,  ///< it is stored, the answer is lost
    duplicate,    ///< it arrives twice
    late,         ///< the answer takes 1.5 s
    hang,         ///< no answer until the deadline
    refuse,       ///< `refusal` is the answer
    not_json,     ///< 200 with something else
};

class FakeCentral final : public sync::Transport {
  public:
    explicit FakeCentral(Clock& clock) : clock_(clock) {}

    // What happens to the next requests for pours, then to all further ones.
    std::deque<Fault> faults;
    Fault always = Fault::none;
    Fault hello_fault = Fault::none;
    wire::Problem refusal;
    wire::Directives directives;
    std::size_t largest_batch = wire::max_batch_rows;  ///< more rows: 413
    std::vector<Seq> quarantine;
    std::vector<wire::Released> released;  ///< told in every hello until the agent has them

    std::string revision;         ///< of central's schema, as hello tells it
    std::string journal_minimum;  ///< the same

    Seq cursor = 0;
    RowHash hash{};
    Seq prunable_through = 0;
    // What a request for an epoch is answered; neither: 404, as a central that doesn't know the
    // call.
    std::optional<wire::EpochGrant> grant;
    std::optional<wire::Problem> grant_refusal;
    bool lose_grant = false;  ///< the next answer to such a request
    std::vector<wire::EpochRequest> epoch_requests;
    std::vector<std::string> targets;  ///< of requests for pours
    std::map<Seq, int> stored;         ///< how often each row was stored
    std::vector<wire::Hello> hellos;
    std::vector<wire::Batch> batches;
    int in_flight = 0;
    int most_in_flight = 0;

    [[nodiscard]] boost::asio::awaitable<http::Response> send(
        http::Request request, std::chrono::milliseconds deadline
    ) override {
        most_in_flight = std::max(most_in_flight, ++in_flight);
        const bool pours = request.target.ends_with("/pours");
        if (request.target.ends_with("/epochs")) {
            --in_flight;
            co_return take_epoch_request(request);
        }
        if (pours) {
            targets.push_back(request.target);
        }
        const Fault fault = pours ? next_fault() : hello_fault;
        std::chrono::milliseconds wait{};
        if (fault == Fault::late) {
            wait = std::chrono::milliseconds(1'500);
        }
        if (fault == Fault::hang) {
            wait = deadline;
        }
        auto waiting = clock_.sleep(wait);
        co_await std::move(waiting);
        --in_flight;
        if (fault == Fault::drop || fault == Fault::hang) {
            throw Error(ErrorKind::unreachable, "central_unreachable", "no answer", "wait");
        }
        http::Response response(200);
        if (fault == Fault::refuse) {
            response.status = refusal.status;
            response.body = wire::encode(refusal);
            co_return response;
        }
        if (fault == Fault::not_json) {
            response.body = "<html>";
            co_return response;
        }
        response = pours ? take(request) : greet(request);
        if (fault == Fault::duplicate) {
            response = pours ? take(request) : greet(request);
        }
        if (fault == Fault::lose_answer) {
            throw Error(ErrorKind::unreachable, "central_unreachable", "cut off", "wait");
        }
        co_return response;
    }

  private:
    Fault next_fault() {
        if (faults.empty()) {
            return always;
        }
        const Fault fault = faults.front();
        faults.pop_front();
        return fault;
    }

    http::Response greet(const http::Request& request) {
        hellos.push_back(wire::decode_hello(request.body));
        wire::HelloReply reply;
        reply.cursor = cursor;
        reply.hash_at_cursor = hash;
        reply.prunable_through = prunable_through;
        reply.directives = directives;
        reply.central_revision = revision;
        reply.journal_minimum = journal_minimum;
        for (const auto& item : released) {
            if (item.id > hellos.back().released_through) {
                reply.released.push_back(item);
            }
        }
        http::Response response(200);
        response.body = wire::encode(reply);
        return response;
    }

    http::Response take_epoch_request(const http::Request& request) {
        epoch_requests.push_back(wire::decode_epoch_request(request.body));
        if (grant_refusal) {
            http::Response response(grant_refusal->status);
            response.body = wire::encode(*grant_refusal);
            return response;
        }
        if (!grant) {
            return problem(404, "not_found", "wait");
        }
        cursor = grant->cursor;
        hash = grant->hash;
        if (lose_grant) {
            lose_grant = false;
            throw Error(ErrorKind::unreachable, "central_unreachable", "cut off", "wait");
        }
        http::Response response(200);
        response.body = wire::encode(*grant);
        return response;
    }

    http::Response take(const http::Request& request) {
        wire::Batch batch = wire::decode_batch(request.body);
        http::Response response(200);
        if (batch.rows.size() > largest_batch) {
            return problem(413, "oversized", "split");
        }
        if (batch.first_seq > cursor + 1) {
            return problem(409, "gap", "resync");
        }
        if (batch.first_seq == cursor + 1 && batch.prev_hash != hash) {
            return problem(409, "hash_mismatch", "resync");
        }
        wire::Ack ack;
        for (const auto& row : batch.rows) {
            if (row.seq > cursor) {
                ++stored[row.seq];
            }
            if (std::find(quarantine.begin(), quarantine.end(), row.seq) != quarantine.end()) {
                ack.quarantined.push_back(wire::Quarantined{row.seq, "unknown_card", ""});
            }
        }
        if (batch.last_seq > cursor) {
            cursor = batch.last_seq;
            hash = batch.hash;
        }
        batches.push_back(std::move(batch));
        ack.acked_through = cursor;
        ack.directives = directives;
        response.body = wire::encode(ack);
        return response;
    }

    static http::Response problem(int status, const std::string& code, const std::string& action) {
        wire::Problem problem;
        problem.status = status;
        problem.code = code;
        problem.action = action;
        problem.title = code;
        http::Response response(status);
        response.body = wire::encode(problem);
        return response;
    }

    Clock& clock_;
};

}  // namespace tapline::test
