#include "common/wire.hpp"

#include <bit>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

#include "common/error.hpp"

using namespace tapline;  // NOLINT(google-build-using-namespace): test file

namespace {

Value random_value(std::mt19937_64& random) {
    const auto bytes = [&] {
        std::string text(random() % 40, '\0');
        for (auto& c : text) {
            c = static_cast<char>(random() % 256);
        }
        return text;
    };
    switch (random() % 7) {
        case 0:
            return static_cast<std::int64_t>(random());
        case 1:
            return std::int64_t{1} << (random() % 63);
        case 2:
            return std::bit_cast<double>(random() & 0x7FEFFFFFFFFFFFFFULL);
        case 3:
            return static_cast<double>(random() % 1000);
        case 4:
            return Text{"Zapfhahn \"3\" \\ für \x01\x1f 🍺"};
        case 5:
            return Text{bytes()};
        default:
            return Blob{bytes()};
    }
}

wire::Batch sample_batch(std::mt19937_64& random) {
    wire::Batch batch;
    batch.revision = "j0001";
    batch.first_seq = 5;
    for (Seq seq = 6; seq < 20; ++seq) {
        RawPour row{seq, {}};
        for (const auto* name : {"a", "b", "c", "volume_ml"}) {
            row.columns.push_back({name, random_value(random)});
        }
        batch.prev_hash = next_hash(batch.prev_hash, row);
        batch.rows.push_back(std::move(row));
    }
    batch.last_seq = 19;
    batch.hash = sha256("x");
    batch.absent = {{5, 5}};
    batch.boots = {{"b-1", 1, true, {{3, -120'000}}}, {"b-2", 9, false, {}}};
    batch.clock = {1'770'000'000'000, "b-2"};
    batch.released_through = 4;
    return batch;
}

}  // namespace

TEST_CASE("A batch comes back as it went, whatever SQLite held") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 200; ++round) {
        const auto batch = sample_batch(random);
        const auto read = wire::decode_batch(wire::encode(batch));
        REQUIRE(read.rows == batch.rows);
        CHECK(read.absent == batch.absent);
        CHECK(read.boots == batch.boots);
        CHECK(read.clock == batch.clock);
        CHECK(read.hash == batch.hash);
        CHECK(read.prev_hash == batch.prev_hash);
        CHECK(read.released_through == 4);
    }
}

TEST_CASE("Numbers at the edges keep type and value") {
    for (const Value& value : std::vector<Value>{
             std::numeric_limits<std::int64_t>::max(),
             std::numeric_limits<std::int64_t>::min(),
             std::int64_t{1} << 53,
             3.0,
             -0.0,
             9.2233720368547758e18,
             std::numeric_limits<double>::infinity(),
             5e-324}) {
        const RawPour row{1, {{"v", value}}};
        const auto read = wire::decode_row(wire::encode_row(row));
        CHECK(read == row);
        CHECK(next_hash({}, read) == next_hash({}, row));
    }
}

TEST_CASE("The size bound is never below the real size") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 500; ++round) {
        RawPour row{
            static_cast<Seq>(random() >> 1U),
            {{"some_name", random_value(random)}, {"x", random_value(random)}}};
        CHECK(wire::encode_row(row).size() <= wire::encoded_size_bound(row));
    }
}

TEST_CASE("A cut body is malformed at every length") {
    std::mt19937_64 random(1);
    const auto text = wire::encode(sample_batch(random));
    for (std::size_t length = 0; length < text.size(); ++length) {
        CHECK_THROWS_AS(wire::decode_batch(std::string_view(text).substr(0, length)), Error);
    }
}

TEST_CASE("A body that breaks the rules is malformed, not a crash") {
    const auto* hash = "0000000000000000000000000000000000000000000000000000000000000000";
    const auto body = [&](const std::string& rows) {
        return std::string(R"({"revision":"j0001","first_seq":1,"last_seq":1,"prev_hash":")") +
               hash + R"(","hash":")" + hash + R"(","rows":)" + rows + "}";
    };
    CHECK(wire::decode_batch(body(R"([{"seq":1,"columns":{"a":1}}])")).rows.size() == 1);
    std::string many = "[";
    for (int i = 0; i < 501; ++i) {
        many += std::string(i == 0 ? "" : ",") + R"({"seq":1,"columns":{}})";
    }
    many += "]";
    for (const auto& rows :
         {std::string("5"),
          std::string("[5]"),
          std::string(R"([{"seq":"1","columns":{}}])"),
          std::string(R"([{"seq":1}])"),
          std::string(R"([{"seq":1,"columns":{"a":[1]}}])"),
          std::string(R"([{"seq":1,"columns":{"a":true}}])"),
          std::string(R"([{"seq":1,"columns":{"a":{"type":"text","b64":"*"}}}])"),
          std::string(R"([{"seq":1,"columns":{"a":{"type":"integer","text":"1e5"}}}])"),
          std::string(R"([{"seq":1,"columns":{"a":18446744073709551615}}])"),
          std::string(200'000, '['),
          many}) {
        CHECK_THROWS_AS(wire::decode_batch(body(rows)), Error);
    }
    CHECK_THROWS_AS(wire::decode_hello("[]"), Error);
    CHECK_THROWS_AS(wire::decode_hello(std::string(500'000, '[')), Error);
}

TEST_CASE("Unknown members are ignored and hello survives the trip") {
    wire::Hello hello;
    hello.journal_id = "b6c1";
    hello.revision = "j0001";
    hello.controller = "tap-7";
    hello.max_seq = 9;
    hello.acked_through = 4;
    hello.acked_hash = sha256("h");
    hello.clock = {5, "boot"};
    auto text = wire::encode(hello);
    text.insert(1, R"("future":{"deep":[1,2,{"x":null}]},)");
    const auto read = wire::decode_hello(text);
    CHECK(read.controller == "tap-7");
    CHECK(read.acked_hash == hello.acked_hash);
    CHECK(read.clock == hello.clock);
}

TEST_CASE("What asks for an epoch and what grants one survive the trip, within limits") {
    wire::EpochRequest request;
    request.epoch = 3;
    request.last_common_seq = 7;
    request.hash[0] = 1;
    request.points.resize(wire::max_chain_points);
    request.points.back().seq = 9;
    request.max_seq = 12;
    request.depth = 5;
    request.fingerprint = "f";
    request.reason = "fork";
    request.clock.boot_id = "b";
    const auto read = wire::decode_epoch_request(wire::encode(request));
    CHECK(read.epoch == 3);
    CHECK(read.last_common_seq == 7);
    CHECK(read.hash == request.hash);
    CHECK(read.points == request.points);
    CHECK(read.max_seq == 12);
    CHECK(read.depth == 5);
    CHECK(read.fingerprint == "f");
    CHECK(read.reason == "fork");
    CHECK(read.clock == request.clock);
    request.points.emplace_back();
    CHECK_THROWS_AS(wire::decode_epoch_request(wire::encode(request)), Error);
    wire::EpochGrant grant;
    grant.epoch = 4;
    grant.cursor = 7;
    grant.hash[1] = 2;
    grant.prunable_through = 6;
    const auto granted = wire::decode_epoch_grant(wire::encode(grant));
    CHECK(granted.epoch == 4);
    CHECK(granted.cursor == 7);
    CHECK(granted.hash == grant.hash);
    CHECK(granted.prunable_through == 6);
    CHECK_THROWS_AS(wire::decode_epoch_grant("{}"), Error);
}

TEST_CASE("Replies, acks and problems survive the trip") {
    wire::HelloReply reply;
    reply.cursor = 12;
    reply.journal_minimum = "j0002";
    reply.released = {{3, 8, "settled"}};
    reply.directives = {true, "backup", 30};
    const auto read_reply = wire::decode_hello_reply(wire::encode(reply));
    CHECK(read_reply.cursor == 12);
    CHECK(read_reply.journal_minimum == "j0002");
    CHECK(read_reply.released == reply.released);
    CHECK(read_reply.directives == reply.directives);

    wire::Ack ack;
    ack.acked_through = 12;
    ack.quarantined = {{3, "unknown_card", "card \xff"}};
    const auto read_ack = wire::decode_ack(wire::encode(ack));
    CHECK(read_ack.quarantined[0].code == "unknown_card");
    CHECK(read_ack.directives.heartbeat_s == 60);

    wire::Problem problem{
        409,
        "gap",
        "a gap",
        "detail",
        "resync",
        std::chrono::seconds(5),
        17,
        "t0006_compat",
        "j0002"};
    const auto read = wire::decode_problem(409, wire::encode(problem));
    CHECK(read.code == "gap");
    CHECK(read.retry_after == std::chrono::seconds(5));
    CHECK(read.expected_seq == 17);
    CHECK(read.central_revision == "t0006_compat");
    CHECK(read.journal_minimum == "j0002");
    CHECK(wire::decode_problem(502, "<html>").code == "not_tapline");
    CHECK(wire::decode_problem(502, "<html>").action == "retry");
}

TEST_CASE("Nesting is limited for objects as for lists, and not fooled by strings") {
    std::string deep;
    for (int i = 0; i < 9; ++i) {
        deep += R"({"a":)";
    }
    deep += "1";
    deep += std::string(9, '}');
    CHECK_THROWS_WITH(wire::decode_ack(deep), Catch::Matchers::Contains("deeper"));
    CHECK(
        wire::decode_ack(R"({"acked_through":1,"x":"[[[[[[[[[[\"{{{{{{{{{{"})").acked_through == 1
    );
}
