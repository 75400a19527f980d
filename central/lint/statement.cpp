#include "central/lint/statement.hpp"

#include <algorithm>

namespace tapline::lint {

void Statement::find(Hazard hazard, std::string object, std::string message) {
    drafts.push_back({hazard, std::move(object), std::move(message), {}, std::nullopt});
}

void Statement::lock(const std::string& table, Lock lock, bool linked) {
    if (catalog.existing(table)) {
        locks.push_back({table, lock, linked});
    }
}

void Statement::lock_view(const std::string& view, Lock lock) {
    if (catalog.existing(view)) {
        locks.push_back({view, lock, false, false});
    }
}

bool Statement::made_again(const std::string& object) const {
    return made_later != nullptr && made_later->contains(object);
}

bool Statement::goes_away(const std::string& object) const {
    return !catalog.fresh_objects.contains(object) && !made_again(object);
}

Lock Statement::strongest() const noexcept {
    Lock result = Lock::none;
    for (const TableLock& each : locks) {
        result = std::max(result, each.lock);
    }
    return result;
}

}  // namespace tapline::lint
