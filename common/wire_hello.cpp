#include <algorithm>

#include "common/wire_parts.hpp"

namespace tapline::wire {

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
    const auto json = parse_object(text);
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
        {"journal_minimum", reply.journal_minimum},
        {"released", write(reply.released)},
        {"directives", write(reply.directives)},
    });
}

HelloReply decode_hello_reply(std::string_view text) {
    const auto json = parse_object(text);
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
    reply.journal_minimum = reader.text_or("journal_minimum");
    reply.released = reader.list<Released>("released", max_answer_items, read_released);
    reply.directives = read_directives(reader.child("directives"));
    return reply;
}

}  // namespace tapline::wire
