#include "central/catalog/catalog.hpp"

namespace tapline::catalog {

Parts split(Catalog whole) {
    Parts parts;
    parts.tapline = {whole.server_major, whole.owners, {}};
    parts.app = std::move(whole);
    Objects& rest = parts.app.objects;
    Objects& ours = parts.tapline.objects;
    for (auto it = rest.begin(); it != rest.end();) {
        const auto next = std::next(it);
        if (it->second.home == "tapline") {
            ours.insert(ours.end(), rest.extract(it));
        }
        it = next;
    }
    return parts;
}

}  // namespace tapline::catalog
