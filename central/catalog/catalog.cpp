#include "central/catalog/catalog.hpp"

#include <string_view>

namespace tapline::catalog {

namespace {

Catalog part(const Catalog& whole, bool ours) {
    constexpr std::string_view our_schema = "tapline";
    Catalog catalog{whole.server_major, whole.owners, {}};
    for (const auto& [name, object] : whole.objects) {
        if ((object.home == our_schema) == ours) {
            catalog.objects.emplace_hint(catalog.objects.end(), name, object);
        }
    }
    return catalog;
}

}  // namespace

Catalog part_of_tapline(const Catalog& whole) {
    return part(whole, true);
}

Catalog part_of_app(const Catalog& whole) {
    return part(whole, false);
}

}  // namespace tapline::catalog
