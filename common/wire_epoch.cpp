#include "common/wire_parts.hpp"

namespace tapline::wire {

namespace {

ChainPoint read_point(const Json& json) {
    const Reader reader(json);
    return ChainPoint{reader.number("seq", 0), reader.hash("hash")};
}

}  // namespace

std::string encode(const EpochRequest& request) {
    Json points = Json::array();
    for (const auto& point : request.points) {
        points.push_back({{"seq", point.seq}, {"hash", to_hex(point.hash)}});
    }
    return dump({
        {"epoch", request.epoch},
        {"last_common_seq", request.last_common_seq},
        {"hash", to_hex(request.hash)},
        {"points", std::move(points)},
        {"max_seq", request.max_seq},
        {"depth", request.depth},
        {"fingerprint", request.fingerprint},
        {"reason", request.reason},
        {"clock", write(request.clock)},
    });
}

EpochRequest decode_epoch_request(std::string_view text) {
    const auto json = parse_object(text);
    const Reader reader(json);
    EpochRequest request;
    request.epoch = reader.number("epoch", 1);
    request.last_common_seq = reader.number("last_common_seq", 0);
    request.hash = reader.hash("hash");
    request.points = reader.list<ChainPoint>("points", max_chain_points, read_point);
    request.max_seq = reader.number_or("max_seq", 0);
    request.depth = reader.number_or("depth", 0);
    request.fingerprint = reader.text_or("fingerprint");
    request.reason = reader.text("reason");
    request.clock = read_clock(reader.child("clock"));
    return request;
}

std::string encode(const EpochGrant& grant) {
    return dump({
        {"epoch", grant.epoch},
        {"cursor", grant.cursor},
        {"hash", to_hex(grant.hash)},
        {"prunable_through", grant.prunable_through},
    });
}

EpochGrant decode_epoch_grant(std::string_view text) {
    const auto json = parse_object(text);
    const Reader reader(json);
    EpochGrant grant;
    grant.epoch = reader.number("epoch", 1);
    grant.cursor = reader.number("cursor", 0);
    grant.hash = reader.hash("hash");
    grant.prunable_through = reader.number_or("prunable_through", 0);
    return grant;
}

}  // namespace tapline::wire
