#include "central/cli/fleet_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tapline::cli {

namespace {

using Json = nlohmann::ordered_json;

Json text_or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

}  // namespace

Json blockers_json(const std::vector<compat::Blocker>& blockers) {
    Json list = Json::array();
    for (const compat::Blocker& one : blockers) {
        list.push_back(
            {{"controller", one.controller},
             {"status", one.status},
             {"agent_version", one.agent_version},
             {"last_seen", one.last_seen ? Json(*one.last_seen) : Json(nullptr)},
             {"journal", text_or_null(one.journal_id)},
             {"revision", text_or_null(one.revision)},
             {"oldest_unacked", text_or_null(one.oldest_unacked)},
             {"rows", one.rows},
             {"since", one.since},
             {"reason", compat::to_string(one.reason)},
             {"why", compat::why(one)}}
        );
    }
    return list;
}

std::string blockers_text(const std::vector<compat::Blocker>& blockers) {
    std::string text;
    for (const compat::Blocker& one : blockers) {
        text += fmt::format(
            "  {:<20} {:<9} last seen {:<20}  {}, since {}\n",
            one.controller,
            one.status,
            one.last_seen.value_or("never"),
            compat::why(one),
            one.since
        );
    }
    return text;
}

Json keepers_json(const std::vector<hold::Keeper>& keepers) {
    Json list = Json::array();
    for (const hold::Keeper& one : keepers) {
        list.push_back(
            {{"controller", one.controller},
             {"journal", one.journal},
             {"depth", one.depth},
             {"buffer_s", one.buffer_seconds ? Json(*one.buffer_seconds) : Json(nullptr)},
             {"seen_s", one.is_away() ? Json(nullptr) : Json(one.seen_seconds)},
             {"told", one.told}}
        );
    }
    return list;
}

}  // namespace tapline::cli
