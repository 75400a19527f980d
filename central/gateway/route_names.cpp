#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "central/gateway/routes.hpp"

namespace tapline::gateway {

namespace {

constexpr std::array<std::string_view, 5> whole_paths{
    "/v1/hello", "/v1/enroll", "/v1/renew", "/healthz", "/readyz"};
constexpr std::string_view journals = "/v1/journals/";

struct OfJournal {
    std::string_view name;
    std::ptrdiff_t depth;  ///< slashes of the whole path
};

constexpr std::array<OfJournal, 2> of_journals{{{"pours", 5}, {"epochs", 4}}};

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
    const auto depth = std::count(path.begin(), path.end(), '/');
    const auto is_it = [&](const OfJournal& route) {
        return route.name == last_part(path) && route.depth == depth;
    };
    const auto* found = std::find_if(of_journals.begin(), of_journals.end(), is_it);
    const bool known = path.starts_with(journals) && found != of_journals.end();
    return known ? found->name : "other";
}

}  // namespace tapline::gateway
