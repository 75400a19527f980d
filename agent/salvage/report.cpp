#include <nlohmann/json.hpp>

#include "agent/salvage/salvage.hpp"

namespace tapline::salvage {

std::string encode(const SalvageReport& report) {
    using nlohmann::ordered_json;
    // The reason first: central shows the beginning.
    ordered_json json{
        {"why", "the journal was damaged and salvaged; this row tells of it and is no pour"},
        {"whole", report.whole},
        {"proven", report.proven},
        {"settled_through", report.settled_through},
        {"to_send", report.to_send},
        {"doubtful", report.doubtful},
        {"noted", report.noted},
        {"doubts", report.doubts},
        {"missing", report.missing},
        {"pages", report.pages},
        {"lost_pages", report.lost_pages},
        {"findings", report.findings},
        {"extras", report.extras}};
    json["kept"] = report.kept ? ordered_json(report.kept->string()) : ordered_json(nullptr);
    json["kept_sha256"] = report.kept_sha256;
    return json.dump(-1, ' ', true, ordered_json::error_handler_t::replace);
}

}  // namespace tapline::salvage
