#include "central/gateway/pace.hpp"

#include <algorithm>

namespace tapline::gateway {

namespace {

using std::chrono::milliseconds;

std::chrono::seconds whole_seconds(milliseconds wait) {
    return std::max(std::chrono::ceil<std::chrono::seconds>(wait), std::chrono::seconds(1));
}

}  // namespace

std::optional<std::chrono::seconds> Pace::ask(const std::string& journal, MonoTime now) {
    if (rules_.per_second <= 0) {
        return std::nullopt;
    }
    const auto found = entries_.find(journal);
    if (found != entries_.end() && found->second.until > now) {
        const Entry& entry = found->second;
        if (!entry.inside && entry.turn > now) {
            return whole_seconds(entry.turn - now);  // too early: the promise stands
        }
        remember(journal, {.inside = true, .until = now + rules_.session, .turn = {}, .place = {}});
        return std::nullopt;
    }
    // Turns that nobody took are not kept for later.
    next_free_ = std::max(next_free_, std::chrono::time_point_cast<Tick>(now));
    const auto wait = std::chrono::ceil<milliseconds>(next_free_ - now);
    if (wait > rules_.farthest) {
        return whole_seconds(rules_.farthest);
    }
    next_free_ += Tick(1'000'000 / rules_.per_second);
    if (wait <= rules_.burst) {
        remember(journal, {.inside = true, .until = now + rules_.session, .turn = {}, .place = {}});
        return std::nullopt;
    }
    // Agents add up to half of what they are told (common/backoff.hpp), and a minute for a slow
    // one.
    const auto turn = now + wait;
    const auto until = turn + wait / 2 + std::chrono::minutes(1);
    remember(journal, {.inside = false, .until = until, .turn = turn, .place = {}});
    return whole_seconds(wait);
}

void Pace::remember(const std::string& journal, Entry entry) {
    const auto found = entries_.find(journal);
    if (found != entries_.end()) {
        entry.place = found->second.place;
        by_age_.splice(by_age_.end(), by_age_, entry.place);
        found->second = entry;
        return;
    }
    if (entries_.size() >= rules_.most_journals) {
        entries_.erase(by_age_.front());
        by_age_.pop_front();
    }
    entry.place = by_age_.insert(by_age_.end(), journal);
    entries_.emplace(journal, entry);
}

}  // namespace tapline::gateway
