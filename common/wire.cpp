#include "common/wire.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "common/wire_value.hpp"

namespace tapline::wire {

namespace {

using Json = nlohmann::json;

constexpr int max_depth = 8;
constexpr std::size_t max_text_bytes = 1024;
constexpr std::size_t max_boots = 64;
constexpr std::size_t max_steps = 32;
constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();

[[noreturn]] void malformed(const std::string& what) {
    throw Error(
        ErrorKind::protocol,
        "malformed",
        what,
        "the sender's program is broken; report it with its version"
    );
}

/// Parses with a depth limit: a body of a million brackets must not use a million stack frames.
Json parse(std::string_view text) {
    const auto guard = [](int depth, Json::parse_event_t event, Json&) {
        if (depth > max_depth && (event == Json::parse_event_t::object_start ||
                                  event == Json::parse_event_t::array_start)) {
            malformed(fmt::format("the JSON is nested deeper than {}", max_depth));
        }
        return true;
    };
    // The callback makes the parse slower, so it runs only where the text could be that deep.
    const auto brackets = std::count_if(text.begin(), text.end(), [](char c) { return c == '['; });
    try {
        auto json = brackets > max_depth ? Json::parse(text, guard) : Json::parse(text);
        if (!json.is_object()) {
            malformed("the body isn't a JSON object");
        }
        return json;
    } catch (const Json::exception& failure) {
        malformed(fmt::format("the body isn't JSON: {}", failure.what()));
    }
}

/// Reads members of one object; a missing one throws unless a default is given.
class Reader {
  public:
    explicit Reader(const Json& json) : json_(json) {
        if (!json.is_object()) {
            malformed("an object is missing where one must stand");
        }
    }

    [[nodiscard]] std::int64_t number(const char* name, std::int64_t min, std::int64_t max = any)
        const {
        const auto& member = required(name);
        if (!member.is_number_integer() ||
            (member.is_number_unsigned() && member.get<std::uint64_t>() > INT64_MAX)) {
            malformed(fmt::format("{} isn't a whole number", name));
        }
        const auto value = member.get<std::int64_t>();
        if (value < min || value > max) {
            malformed(fmt::format("{} is {}, outside {}..{}", name, value, min, max));
        }
        return value;
    }

    [[nodiscard]] std::int64_t number_or(
        const char* name, std::int64_t fallback, std::int64_t min = 0
    ) const {
        return json_.contains(name) ? number(name, min) : fallback;
    }

    [[nodiscard]] std::string text(const char* name) const {
        const auto& member = required(name);
        if (!member.is_string() || member.get_ref<const std::string&>().size() > max_text_bytes) {
            malformed(fmt::format("{} isn't a text of at most {} bytes", name, max_text_bytes));
        }
        return member.get<std::string>();
    }

    [[nodiscard]] std::string text_or(const char* name, std::string fallback = {}) const {
        return json_.contains(name) ? text(name) : fallback;
    }

    [[nodiscard]] bool flag_or(const char* name, bool fallback) const {
        const auto member = json_.find(name);
        if (member == json_.end()) {
            return fallback;
        }
        if (!member->is_boolean()) {
            malformed(fmt::format("{} isn't true or false", name));
        }
        return member->get<bool>();
    }

    [[nodiscard]] RowHash hash(const char* name) const {
        const auto hash = hash_from_hex(text(name));
        if (!hash) {
            malformed(fmt::format("{} isn't a SHA-256 in hex", name));
        }
        return *hash;
    }

    /// A missing list is an empty one.
    template <typename Item>
    [[nodiscard]] std::vector<Item> list(
        const char* name, std::size_t limit, Item (*read)(const Json&)
    ) const {
        std::vector<Item> items;
        const auto member = json_.find(name);
        if (member == json_.end()) {
            return items;
        }
        if (!member->is_array() || member->size() > limit) {
            malformed(fmt::format("{} isn't a list of at most {} items", name, limit));
        }
        items.reserve(member->size());
        for (const auto& item : *member) {
            items.push_back(read(item));
        }
        return items;
    }

    [[nodiscard]] const Json* child(const char* name) const {
        const auto member = json_.find(name);
        return member == json_.end() ? nullptr : &*member;
    }

  private:
    [[nodiscard]] const Json& required(const char* name) const {
        const auto member = json_.find(name);
        if (member == json_.end()) {
            malformed(fmt::format("{} is missing", name));
        }
        return *member;
    }

    const Json& json_;
};

Json write(const Directives& directives) {
    return {
        {"hold", directives.hold},
        {"hold_reason", directives.hold_reason},
        {"heartbeat_s", directives.heartbeat_s}};
}

Directives read_directives(const Json* json) {
    Directives directives;
    if (json != nullptr) {
        const Reader reader(*json);
        directives.hold = reader.flag_or("hold", false);
        directives.hold_reason = reader.text_or("hold_reason");
        directives.heartbeat_s =
            std::clamp<std::int64_t>(reader.number_or("heartbeat_s", 60), 1, 86'400);
    }
    return directives;
}

Json write(const ClockSample& clock) {
    return {{"utc_ms", clock.utc_ms}, {"boot_id", clock.boot_id}};
}

ClockSample read_clock(const Json* json) {
    ClockSample clock;
    if (json != nullptr) {
        const Reader reader(*json);
        clock.utc_ms = reader.number("utc_ms", 0);
        clock.boot_id = reader.text_or("boot_id");
    }
    return clock;
}

Json write(const std::vector<Released>& released) {
    Json list = Json::array();
    for (const auto& item : released) {
        list.push_back({{"id", item.id}, {"seq", item.seq}, {"outcome", item.outcome}});
    }
    return list;
}

Released read_released(const Json& json) {
    const Reader reader(json);
    return Released{reader.number("id", 1), reader.number("seq", 1), reader.text("outcome")};
}

Json write(const std::vector<Boot>& boots) {
    Json list = Json::array();
    for (const auto& boot : boots) {
        Json steps = Json::array();
        for (const auto& step : boot.steps) {
            steps.push_back({{"after_seq", step.after_seq}, {"delta_ms", step.delta_ms}});
        }
        list.push_back(
            {{"boot_id", boot.boot_id},
             {"first_seq", boot.first_seq},
             {"synchronized", boot.synchronized},
             {"steps", std::move(steps)}}
        );
    }
    return list;
}

ClockStep read_step(const Json& json) {
    const Reader reader(json);
    return ClockStep{reader.number("after_seq", 0), reader.number("delta_ms", -any)};
}

Boot read_boot(const Json& json) {
    const Reader reader(json);
    Boot boot;
    boot.boot_id = reader.text("boot_id");
    boot.first_seq = reader.number("first_seq", 0);
    boot.synchronized = reader.flag_or("synchronized", false);
    boot.steps = reader.list<ClockStep>("steps", max_steps, read_step);
    return boot;
}

AbsentRange read_absent(const Json& json) {
    if (!json.is_array() || json.size() != 2 || !json[0].is_number_integer() ||
        !json[1].is_number_integer()) {
        malformed("an absent range isn't [first, last]");
    }
    return AbsentRange{json[0].get<std::int64_t>(), json[1].get<std::int64_t>()};
}

Quarantined read_quarantined(const Json& json) {
    const Reader reader(json);
    return Quarantined{reader.number("seq", 1), reader.text("code"), reader.text_or("detail")};
}

/// Text that may hold anything becomes valid JSON: bytes that aren't UTF-8 are replaced.
std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string encode(const Hello& hello) {
    return dump({
        {"protocol", {{"min", hello.protocol_min}, {"max", hello.protocol_max}}},
        {"agent_version", hello.agent_version},
        {"controller", hello.controller},
        {"journal",
         {{"id", hello.journal_id},
          {"epoch", hello.epoch},
          {"revision", hello.revision},
          {"oldest_unacked_revision", hello.oldest_unacked_revision},
          {"acked", hello.acked_through},
          {"acked_hash", to_hex(hello.acked_hash)},
          {"max_seq", hello.max_seq},
          {"released_through", hello.released_through}}},
        {"fingerprint", hello.fingerprint},
        {"depth", hello.depth},
        {"free_bytes", hello.free_bytes},
        {"clock", write(hello.clock)},
        {"capabilities", hello.capabilities},
    });
}

Hello decode_hello(std::string_view text) {
    const auto json = parse(text);
    const Reader reader(json);
    Hello hello;
    const auto* protocol = reader.child("protocol");
    const auto* journal = reader.child("journal");
    if (protocol == nullptr || journal == nullptr) {
        malformed("protocol or journal is missing");
    }
    const Reader versions(*protocol);
    hello.protocol_min = static_cast<int>(versions.number("min", 0, 1'000));
    hello.protocol_max = static_cast<int>(versions.number("max", 0, 1'000));
    const Reader stream(*journal);
    hello.journal_id = stream.text("id");
    hello.epoch = stream.number("epoch", 1);
    hello.revision = stream.text("revision");
    hello.oldest_unacked_revision = stream.text_or("oldest_unacked_revision");
    hello.acked_through = stream.number("acked", 0);
    hello.acked_hash = stream.hash("acked_hash");
    hello.max_seq = stream.number("max_seq", 0);
    hello.released_through = stream.number_or("released_through", 0);
    hello.agent_version = reader.text_or("agent_version");
    hello.controller = reader.text_or("controller");
    hello.fingerprint = reader.text_or("fingerprint");
    hello.depth = reader.number_or("depth", 0);
    hello.free_bytes = reader.number_or("free_bytes", 0);
    hello.clock = read_clock(reader.child("clock"));
    hello.capabilities = reader.list<std::string>("capabilities", 64, [](const Json& item) {
        if (!item.is_string()) {
            malformed("a capability isn't a text");
        }
        return item.get<std::string>();
    });
    return hello;
}

std::string encode(const HelloReply& reply) {
    return dump({
        {"protocol", reply.protocol},
        {"central_revision", reply.central_revision},
        {"cursor", reply.cursor},
        {"hash_at_cursor", to_hex(reply.hash_at_cursor)},
        {"prunable_through", reply.prunable_through},
        {"limits", {{"batch_rows", reply.batch_rows}, {"batch_bytes", reply.batch_bytes}}},
        {"server_utc_ms", reply.server_utc_ms},
        {"released", write(reply.released)},
        {"directives", write(reply.directives)},
    });
}

HelloReply decode_hello_reply(std::string_view text) {
    const auto json = parse(text);
    const Reader reader(json);
    HelloReply reply;
    reply.protocol = static_cast<int>(reader.number("protocol", 1, 1'000));
    reply.central_revision = reader.text_or("central_revision");
    reply.cursor = reader.number("cursor", 0);
    reply.hash_at_cursor = reader.hash("hash_at_cursor");
    reply.prunable_through = reader.number_or("prunable_through", 0);
    if (const auto* limits = reader.child("limits"); limits != nullptr) {
        const Reader bounds(*limits);
        reply.batch_rows = std::clamp<std::int64_t>(
            bounds.number_or("batch_rows", max_batch_rows, 1), 1, max_batch_rows
        );
        reply.batch_bytes = std::clamp<std::int64_t>(
            bounds.number_or("batch_bytes", max_batch_bytes, 1), 1024, max_batch_bytes
        );
    }
    reply.server_utc_ms = reader.number_or("server_utc_ms", 0);
    reply.released = reader.list<Released>("released", max_answer_items, read_released);
    reply.directives = read_directives(reader.child("directives"));
    return reply;
}

std::string encode(const Batch& batch) {
    std::string out;
    out.reserve(batch.rows.size() * 400 + 1024);
    fmt::format_to(
        std::back_inserter(out),
        R"({{"revision":{},"first_seq":{},"last_seq":{},"prev_hash":"{}","hash":"{}","rows":[)",
        Json(batch.revision).dump(),
        batch.first_seq,
        batch.last_seq,
        to_hex(batch.prev_hash),
        to_hex(batch.hash)
    );
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
        if (i != 0) {
            out.push_back(',');
        }
        append_row(out, batch.rows[i]);
    }
    out += R"(],"absent":[)";
    for (std::size_t i = 0; i < batch.absent.size(); ++i) {
        fmt::format_to(
            std::back_inserter(out),
            "{}[{},{}]",
            i == 0 ? "" : ",",
            batch.absent[i].first,
            batch.absent[i].last
        );
    }
    fmt::format_to(
        std::back_inserter(out),
        R"(],"truncated":{},"boots":{},"clock":{},"released_through":{}}})",
        batch.truncated,
        dump(write(batch.boots)),
        dump(write(batch.clock)),
        batch.released_through
    );
    return out;
}

Batch decode_batch(std::string_view text) {
    const auto json = parse(text);
    const Reader reader(json);
    Batch batch;
    batch.revision = reader.text("revision");
    batch.first_seq = reader.number("first_seq", 1);
    batch.last_seq = reader.number("last_seq", 1);
    batch.prev_hash = reader.hash("prev_hash");
    batch.hash = reader.hash("hash");
    if (reader.child("rows") == nullptr) {
        malformed("rows is missing");
    }
    batch.rows = reader.list<RawPour>("rows", max_batch_rows, read_row);
    batch.absent = reader.list<AbsentRange>("absent", max_absent_ranges, read_absent);
    batch.truncated = reader.flag_or("truncated", false);
    batch.boots = reader.list<Boot>("boots", max_boots, read_boot);
    batch.clock = read_clock(reader.child("clock"));
    batch.released_through = reader.number_or("released_through", 0);
    return batch;
}

std::string encode(const Ack& ack) {
    Json quarantined = Json::array();
    for (const auto& item : ack.quarantined) {
        quarantined.push_back({{"seq", item.seq}, {"code", item.code}, {"detail", item.detail}});
    }
    return dump({
        {"acked_through", ack.acked_through},
        {"quarantined", std::move(quarantined)},
        {"released", write(ack.released)},
        {"prunable_through", ack.prunable_through},
        {"directives", write(ack.directives)},
    });
}

Ack decode_ack(std::string_view text) {
    const auto json = parse(text);
    const Reader reader(json);
    Ack ack;
    ack.acked_through = reader.number("acked_through", 0);
    ack.quarantined = reader.list<Quarantined>("quarantined", max_answer_items, read_quarantined);
    ack.released = reader.list<Released>("released", max_answer_items, read_released);
    ack.prunable_through = reader.number_or("prunable_through", 0);
    ack.directives = read_directives(reader.child("directives"));
    return ack;
}

std::string encode(const Problem& problem) {
    Json json = {
        {"type", "about:blank"},
        {"status", problem.status},
        {"code", problem.code},
        {"title", problem.title},
        {"detail", problem.detail},
        {"action", problem.action},
    };
    if (problem.retry_after) {
        json["retry_after_s"] = problem.retry_after->count();
    }
    if (problem.expected_seq) {
        json["expected_seq"] = *problem.expected_seq;
    }
    return dump(json);
}

Problem decode_problem(int status, std::string_view body) {
    Problem problem;
    problem.status = status;
    problem.code = "not_tapline";
    problem.title = fmt::format("an answer {} that isn't tapline's", status);
    problem.action = "retry";
    try {
        const auto json = parse(body);
        const Reader reader(json);
        auto read = problem;
        read.code = reader.text("code");
        read.title = reader.text_or("title");
        read.detail = reader.text_or("detail");
        read.action = reader.text_or("action", "retry");
        if (json.contains("retry_after_s")) {
            read.retry_after = std::chrono::seconds(reader.number("retry_after_s", 0, 86'400));
        }
        if (json.contains("expected_seq")) {
            read.expected_seq = reader.number("expected_seq", 0);
        }
        return read;
    } catch (const Error&) {
        return problem;
    }
}

std::string encode_row(const RawPour& row) {
    std::string out;
    out.reserve(512);
    append_row(out, row);
    return out;
}

RawPour decode_row(std::string_view text) {
    return read_row(parse(text));
}

std::size_t encoded_size_bound(const RawPour& row) noexcept {
    // A byte of text takes at most six (\u0000); base64 takes 4/3 and a header.
    std::size_t bytes = 48;
    for (const auto& column : row.columns) {
        bytes += column.name.size() + 4;
        if (const auto* text = std::get_if<Text>(&column.value)) {
            const auto plain = std::all_of(text->bytes.begin(), text->bytes.end(), [](char c) {
                return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\' &&
                       static_cast<unsigned char>(c) < 0x80;
            });
            bytes += plain ? text->bytes.size() + 2 : text->bytes.size() * 6 + 40;
        } else if (const auto* blob = std::get_if<Blob>(&column.value)) {
            bytes += blob->bytes.size() * 4 / 3 + 40;
        } else {
            bytes += 52;
        }
    }
    return bytes;
}

}  // namespace tapline::wire
