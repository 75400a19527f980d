#include "agent/journal/ages.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace tapline::journal {

namespace {

using nlohmann::json;

constexpr std::chrono::seconds day{86'400};
/// A month of a season tells more of tomorrow than a year does.
constexpr std::chrono::seconds rate_window = 30 * day;

}  // namespace

Ages Ages::decode(std::string_view text, const std::string& journal_id) {
    Ages ages(journal_id);
    try {
        const auto whole = json::parse(text);
        if (whole.at("journal_id").get<std::string>() != journal_id) {
            return ages;
        }
        std::vector<Mark> marks;
        for (const auto& pair : whole.at("marks")) {
            const Mark mark{
                std::chrono::seconds(pair.at(0).get<std::int64_t>()), pair.at(1).get<Seq>()};
            const bool ascending = marks.empty() || (marks.back().uptime <= mark.uptime &&
                                                     marks.back().through < mark.through);
            if (!ascending || mark.uptime.count() < 0 || marks.size() >= max_age_marks) {
                return Ages(journal_id);
            }
            marks.push_back(mark);
        }
        ages.uptime_ = std::chrono::seconds(whole.at("uptime_s").get<std::int64_t>());
        if (!marks.empty() && marks.back().uptime > ages.uptime_) {
            return Ages(journal_id);
        }
        ages.marks_ = std::move(marks);
    } catch (const json::exception&) {
        return Ages(journal_id);
    }
    return ages;
}

std::string Ages::encode() const {
    json marks = json::array();
    for (const auto& mark : marks_) {
        marks.push_back({mark.uptime.count(), mark.through});
    }
    const json whole{
        {"journal_id", journal_id_}, {"uptime_s", uptime_.count()}, {"marks", std::move(marks)}};
    return whole.dump() + "\n";
}

bool Ages::note(std::chrono::seconds now, Seq acked) {
    const auto above = [&](const Mark& mark) { return mark.through > acked; };
    const bool stepped_back = std::erase_if(marks_, above) > 0;
    advance(now);
    const bool moved = acked > (marks_.empty() ? 0 : marks_.back().through);
    const bool due = marks_.empty() || now - marks_.back().uptime >= age_mark_spacing;
    if (!moved || !due) {
        return stepped_back;
    }
    marks_.push_back({now, acked});
    if (marks_.size() > max_age_marks) {
        const std::size_t half = marks_.size() / 2;
        std::vector<Mark> kept;
        for (std::size_t at = 0; at < marks_.size(); ++at) {
            if (at >= half || at % 2 == 0) {
                kept.push_back(marks_[at]);
            }
        }
        marks_ = std::move(kept);
    }
    return true;
}

Seq Ages::acked_for(std::chrono::seconds keep, std::chrono::seconds now) const noexcept {
    Seq through = 0;
    for (const auto& mark : marks_) {
        if (mark.uptime + keep <= now) {
            through = mark.through;
        }
    }
    return through;
}

std::optional<std::int64_t> Ages::pours_per_day(Seq max_seq, std::chrono::seconds now)
    const noexcept {
    for (const auto& mark : marks_) {
        const auto since = now - mark.uptime;
        if (since > rate_window) {
            continue;
        }
        if (since < day) {
            break;
        }
        return (max_seq - mark.through) * day.count() / since.count();
    }
    return std::nullopt;
}

}  // namespace tapline::journal
