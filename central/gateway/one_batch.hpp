// One batch of a journal at a time. Private to central/gateway.
#pragma once

#include <set>
#include <string>
#include <utility>

namespace tapline::gateway {

/// A journal's place among those with a batch under way; false when it is taken.
class OneBatch {
  public:
    OneBatch(std::set<std::string>& journals, const std::string& journal_id)
        : journals_(journals), place_(journals.insert(journal_id)) {}

    ~OneBatch() {
        if (place_.second) {
            journals_.erase(place_.first);
        }
    }

    OneBatch(const OneBatch&) = delete;
    OneBatch& operator=(const OneBatch&) = delete;

    explicit operator bool() const noexcept { return place_.second; }

  private:
    std::set<std::string>& journals_;
    std::pair<std::set<std::string>::iterator, bool> place_;
};

}  // namespace tapline::gateway
