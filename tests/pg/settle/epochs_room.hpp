// A bar whose journal is shown by one device or several.
#pragma once

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "central/fleet/epochs.hpp"
#include "central/fleet/forks.hpp"
#include "tests/pg/settle/bar.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

/// A device with its copy of the journal.
struct Device {
    FakeJournal journal{1};
    std::string fingerprint;
    std::string boot_id = "boot-1";
    std::int64_t epoch = 1;
    Seq acked = 0;

    void add(Seq seq, const std::string& id) { journal.add(pour(seq, id, 100)); }

    [[nodiscard]] wire::Hello hello() const {
        auto message = journal.hello_message();
        message.epoch = epoch;
        message.fingerprint = fingerprint;
        message.clock.boot_id = boot_id;
        message.acked_through = acked;
        message.acked_hash = journal.hash_at(acked);
        return message;
    }

    [[nodiscard]] wire::EpochRequest request() const {
        wire::EpochRequest request;
        request.epoch = epoch;
        request.last_common_seq = acked;
        request.hash = journal.hash_at(acked);
        for (const auto& row : journal.rows()) {
            request.points.push_back({row.seq, journal.hash_at(row.seq)});
        }
        request.max_seq = journal.rows().empty() ? 0 : journal.rows().back().seq;
        request.fingerprint = fingerprint;
        request.clock.boot_id = boot_id;
        request.reason = "fork";
        return request;
    }

    [[nodiscard]] wire::Batch rest() const {
        auto batch = journal.batch(acked + 1, journal.rows().back().seq);
        batch.epoch = epoch;
        return batch;
    }
};

struct EpochsRoom {
    TestDatabase database;
    pg::Session session = database.connect();
    Bar bar{session};
    settle::Settler settler{options_for(database.url())};

    EpochsRoom() {
        furnish(bar);
        wait_ready(settler);
    }

    /// Another, empty journal at that revision says hello.
    static wire::Hello fresh(const std::string& revision) {
        auto message = FakeJournal(2).hello_message();
        message.revision = revision;
        message.oldest_unacked_revision = revision;
        return message;
    }

    /// Rows id-1 … id-`rows`, said hello for and settled.
    Device settled(int rows, const std::string& fingerprint = "pi-1") {
        Device device;
        device.fingerprint = fingerprint;
        for (int seq = 1; seq <= rows; ++seq) {
            device.add(seq, fmt::format("id-{}", seq));
        }
        CHECK(hello(device).empty());
        send_rest(device);
        return device;
    }

    /// The code of the refusal, or "".
    std::string hello(const Device& device) {
        const auto outcome = fleet::hello(session, "tap-1", device.hello());
        const auto* refused = std::get_if<wire::Problem>(&outcome);
        return refused == nullptr ? std::string() : refused->code;
    }

    fleet::EpochOutcome ask(const Device& device) {
        return fleet::ask_epoch(session, "tap-1", device.journal.id(), device.request());
    }

    std::string refusal(const Device& device) {
        const auto outcome = ask(device);
        const auto* refused = std::get_if<wire::Problem>(&outcome);
        return refused == nullptr ? std::string() : refused->code;
    }

    /// The device goes on in the epoch that it gets.
    wire::EpochGrant repair(Device& device) {
        const auto outcome = ask(device);
        if (const auto* refused = std::get_if<wire::Problem>(&outcome)) {
            FAIL("refused: " << refused->code << ' ' << refused->detail);
        }
        const auto grant = std::get<wire::EpochGrant>(outcome);
        device.epoch = grant.epoch;
        device.acked = grant.cursor;
        CHECK(grant.hash == device.journal.hash_at(grant.cursor));
        return grant;
    }

    settle::Outcome send(const Device& device) {
        return test::send(settler, "tap-1", device.rest());
    }

    wire::Ack send_rest(Device& device) {
        auto answer = ack(send(device));
        device.acked = answer.acked_through;
        return answer;
    }

    /// As if nobody had been heard for ten minutes.
    void ten_minutes_pass() {
        session.run(
            "UPDATE tapline.journal_side SET last_seen = last_seen - interval '10 minutes',"
            " since = since - interval '10 minutes'"
        );
    }

    std::int64_t pours() { return bar.number("SELECT count(*) FROM pours"); }

    std::int64_t side_of(const Device& device, const std::string& controller = "tap-1") {
        return session
            .query(
                "SELECT side_id FROM tapline.journal_side"
                " WHERE fingerprint = $1 AND boot_id = $2 AND controller = $3",
                device.fingerprint,
                device.boot_id,
                controller
            )[0]
            .integer(0);
    }
};

}  // namespace tapline::test
