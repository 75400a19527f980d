#include "common/wire_parts.hpp"

#include <algorithm>

namespace tapline::wire {

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

}  // namespace tapline::wire
