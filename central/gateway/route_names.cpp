#include <algorithm>
#include <array>
#include <string_view>

#include "central/gateway/routes.hpp"

namespace tapline::gateway {

namespace {

constexpr std::array<std::string_view, 5> whole_paths{
    "/v1/hello", "/v1/enroll", "/v1/renew", "/healthz", "/readyz"};
constexpr std::string_view journals = "/v1/journals/";

struct JournalRoute {
    std::string_view name;
    int slashes;  ///< of the whole path
};

constexpr std::array<JournalRoute, 2> of_journals{{{"epochs", 4}, {"pours", 5}}};

std::string_view last_part(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace

std::string_view route_of(std::string_view target) {
    const auto path = target.substr(0, target.find('?'));
    const auto* whole = std::find(whole_paths.begin(), whole_paths.end(), path);
    if (whole != whole_paths.end()) {
        return last_part(*whole);
    }
    const auto slashes = std::count(path.begin(), path.end(), '/');
    for (const auto& route : of_journals) {
        if (path.starts_with(journals) && last_part(path) == route.name &&
            slashes == route.slashes) {
            return route.name;
        }
    }
    return "other";
}

}  // namespace tapline::gateway
