#include "agent/salvage/evidence.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tapline::salvage {

namespace {

using nlohmann::ordered_json;

std::string_view words_of(Doubt doubt) {
    switch (doubt) {
        case Doubt::undecodable:
            return "a row that can't be decoded";
        case Doubt::invalid:
            return "a row that the validator refuses";
        case Doubt::unindexed:
            return "no index entry says that this row has this id";
        case Doubt::second:
            return "another row with other content has the same seq";
        case Doubt::id_only:
            return "only its id is left, in the index";
    }
    return {};
}

std::string hex(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
        text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    }
    return text;
}

}  // namespace

std::string encode(const Evidence& evidence) {
    ordered_json json{{"why", words_of(evidence.doubt)}};
    if (evidence.page != 0) {
        json["page"] = evidence.page;
        json["seq_found"] = evidence.seq;
    }
    if (!evidence.index_id.empty()) {
        json["id_in_index"] = evidence.index_id;
        json["seq_in_index"] = evidence.index_seq;
    }
    if (!evidence.own_id.empty()) {
        json["id_found"] = evidence.own_id;
    }
    if (!evidence.before.empty()) {
        json["before"] = evidence.before;
    }
    if (!evidence.raw.empty()) {
        json["raw_hex"] = hex(evidence.raw);
    }
    return json.dump(-1, ' ', true, ordered_json::error_handler_t::replace);
}

}  // namespace tapline::salvage
