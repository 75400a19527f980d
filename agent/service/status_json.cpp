#include "agent/service/status_json.hpp"

#include <nlohmann/json.hpp>

namespace tapline::service {

namespace {

using nlohmann::json;

json optional_time(const std::optional<UtcTime>& time) {
    return time ? json(time->time_since_epoch().count()) : json(nullptr);
}

std::optional<UtcTime> read_time(const json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number_integer()) {
        return std::nullopt;
    }
    return UtcTime(std::chrono::milliseconds(found->get<std::int64_t>()));
}

json write(const sync::SyncStatus& status) {
    return {
        {"file", status.file},
        {"state", sync::name_of(status.state)},
        {"journal_id", status.journal_id},
        {"epoch", status.epoch},
        {"revision", status.revision},
        {"acked_through", status.acked_through},
        {"max_seq", status.max_seq},
        {"depth", status.depth},
        {"oldest_recorded_at",
         status.oldest_recorded_at ? json(*status.oldest_recorded_at) : json(nullptr)},
        {"wal_pages", status.wal_pages},
        {"free_bytes", status.free_bytes},
        {"room", sync::name_of(status.room)},
        {"days_left", status.days_left ? json(*status.days_left) : json(nullptr)},
        {"pruned_through", status.pruned_through},
        {"acked_pours", status.acked_pours},
        {"quarantined_pours", status.quarantined_pours},
        {"last_ack_utc_ms", optional_time(status.last_ack)},
        {"last_error", status.last_error},
        {"last_error_utc_ms", optional_time(status.last_error_at)},
        {"hint", status.hint},
        {"hold_reason", status.hold_reason},
        {"next_try_utc_ms", optional_time(status.next_try)},
    };
}

json write(const WearFigures& wear) {
    return {
        {"pours", wear.pours},
        {"busy_bytes", wear.busy_bytes},
        {"busy_syncs", wear.busy_syncs},
        {"idle_ms", wear.idle_ms},
        {"idle_bytes", wear.idle_bytes},
        {"idle_syncs", wear.idle_syncs},
    };
}

WearFigures read_wear(const json& object) {
    WearFigures wear;
    wear.pours = object.value("pours", std::int64_t{0});
    wear.busy_bytes = object.value("busy_bytes", std::int64_t{0});
    wear.busy_syncs = object.value("busy_syncs", std::int64_t{0});
    wear.idle_ms = object.value("idle_ms", std::int64_t{0});
    wear.idle_bytes = object.value("idle_bytes", std::int64_t{0});
    wear.idle_syncs = object.value("idle_syncs", std::int64_t{0});
    return wear;
}

sync::SyncStatus read(const json& object) {
    sync::SyncStatus status;
    status.file = object.at("file").get<std::string>();
    status.state = sync::state_named(object.at("state").get<std::string>())
                       .value_or(sync::SyncState::starting);
    status.journal_id = object.value("journal_id", "");
    status.epoch = object.value("epoch", std::int64_t{0});
    status.revision = object.value("revision", "");
    status.acked_through = object.value("acked_through", Seq{0});
    status.max_seq = object.value("max_seq", Seq{0});
    status.depth = object.value("depth", std::int64_t{0});
    if (object.contains("oldest_recorded_at") && object["oldest_recorded_at"].is_string()) {
        status.oldest_recorded_at = object["oldest_recorded_at"].get<std::string>();
    }
    status.wal_pages = object.value("wal_pages", std::int64_t{0});
    status.free_bytes = object.value("free_bytes", std::int64_t{0});
    status.room = sync::room_named(object.value("room", ""));
    if (object.contains("days_left") && object["days_left"].is_number_integer()) {
        status.days_left = object["days_left"].get<std::int64_t>();
    }
    status.pruned_through = object.value("pruned_through", Seq{0});
    status.acked_pours = object.value("acked_pours", std::int64_t{0});
    status.quarantined_pours = object.value("quarantined_pours", std::int64_t{0});
    status.last_ack = read_time(object, "last_ack_utc_ms");
    status.last_error = object.value("last_error", "");
    status.last_error_at = read_time(object, "last_error_utc_ms");
    status.hint = object.value("hint", "");
    status.hold_reason = object.value("hold_reason", "");
    status.next_try = read_time(object, "next_try_utc_ms");
    return status;
}

}  // namespace

std::string encode(const AgentStatus& status) {
    json journals = json::array();
    for (const auto& journal : status.journals) {
        journals.push_back(write(journal));
    }
    const json whole = {
        {"pid", status.pid},
        {"version", status.version},
        {"name", status.name},
        {"central", status.central},
        {"certificate_until", status.certificate_until},
        {"written_at", status.written_at},
        {"refused_settings", status.refused_settings},
        {"wear", write(status.wear)},
        {"journals", std::move(journals)},
    };
    return whole.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::optional<AgentStatus> decode_status(const std::string& text) {
    try {
        const json whole = json::parse(text);
        AgentStatus status;
        status.pid = whole.value("pid", std::int64_t{0});
        status.version = whole.value("version", "");
        status.name = whole.value("name", "");
        status.central = whole.value("central", "");
        status.certificate_until = whole.value("certificate_until", "");
        status.written_at = whole.value("written_at", "");
        status.refused_settings = whole.value("refused_settings", "");
        status.wear = read_wear(whole.value("wear", json::object()));
        for (const auto& journal : whole.at("journals")) {
            status.journals.push_back(read(journal));
        }
        return status;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

}  // namespace tapline::service
