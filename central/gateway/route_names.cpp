#include <algorithm>
#include <array>
#include <string_view>

#include "central/gateway/routes.hpp"

namespace tapline::gateway {

namespace {

constexpr std::array<std::string_view, 5> whole_paths{
    "/v1/hello", "/v1/enroll", "/v1/renew", "/healthz", "/readyz"};
constexpr std::string_view journals = "/v1/journals/";
/// What may stand behind a journal's id and epoch.
constexpr std::array<std::string_view, 1> of_journals{"pours"};

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
    const bool depth = std::count(path.begin(), path.end(), '/') == 5;
    const auto* found = std::find(of_journals.begin(), of_journals.end(), last_part(path));
    const bool known = path.starts_with(journals) && depth && found != of_journals.end();
    return known ? *found : "other";
}

}  // namespace tapline::gateway
