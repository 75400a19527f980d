#include "agent/journal/clock_notes.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace tapline::journal {

namespace {

constexpr std::string_view sql_boots =
    "SELECT boot_id, first_seq, synchronized FROM tapline_clock ORDER BY first_seq, rowid";
constexpr std::string_view sql_steps =
    "SELECT json_extract(s.value, '$[0]'), json_extract(s.value, '$[1]') "
    "FROM tapline_clock AS c, json_each(c.steps) AS s WHERE c.boot_id = ?1 ORDER BY s.key";
constexpr std::string_view sql_note =
    "INSERT INTO tapline_clock (boot_id, first_seq, synchronized, steps) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT (boot_id) DO UPDATE SET first_seq = excluded.first_seq, synchronized = "
    "excluded.synchronized, "
    "steps = excluded.steps";
constexpr std::string_view sql_forget = "DELETE FROM tapline_clock WHERE boot_id = ?1";

std::string steps_text(const std::vector<wire::ClockStep>& steps) {
    std::string text = "[";
    for (const auto& step : steps) {
        text += fmt::format("{}[{},{}]", text.size() > 1 ? "," : "", step.after_seq, step.delta_ms);
    }
    return text + "]";
}

wire::Boot bounded(wire::Boot boot) {
    while (boot.steps.size() > max_clock_steps) {
        boot.steps[1].delta_ms += boot.steps[0].delta_ms;
        boot.steps.erase(boot.steps.begin());
    }
    return boot;
}

/// What is known of a boot, and the steps that are new.
wire::Boot merged(wire::Boot known, const wire::Boot& noted) {
    known.synchronized = noted.synchronized;
    for (const auto& step : noted.steps) {
        if (std::find(known.steps.begin(), known.steps.end(), step) == known.steps.end()) {
            known.steps.push_back(step);
        }
    }
    return known;
}

}  // namespace

ClockNotes::ClockNotes(Database& database) : database_(database) {
    auto row = database_.prepare(sql_boots);
    while (row.step()) {
        wire::Boot boot;
        boot.boot_id = row.text(0);
        boot.first_seq = row.integer(1);
        boot.synchronized = row.integer(2) != 0;
        boots_.push_back(std::move(boot));
    }
    auto steps = database_.prepare(sql_steps);
    for (auto& boot : boots_) {
        const ResetAtExit at_exit(steps);
        steps.bind(1, boot.boot_id);
        while (steps.step()) {
            boot.steps.push_back({steps.integer(0), steps.integer(1)});
        }
    }
}

void ClockNotes::note(const wire::Boot& noted) {
    const auto known = std::find_if(boots_.begin(), boots_.end(), [&](const wire::Boot& other) {
        return other.boot_id == noted.boot_id;
    });
    const auto boot = bounded(known == boots_.end() ? noted : merged(*known, noted));
    if (known != boots_.end() && *known == boot) {
        return;
    }
    auto boots = boots_;
    std::erase_if(boots, [&](const wire::Boot& other) { return other.boot_id == boot.boot_id; });
    boots.push_back(boot);
    std::stable_sort(boots.begin(), boots.end(), [](const wire::Boot& a, const wire::Boot& b) {
        return a.first_seq < b.first_seq;
    });
    Transaction transaction(database_);
    database_.prepare(sql_note)
        .bind(1, boot.boot_id)
        .bind(2, boot.first_seq)
        .bind(3, std::int64_t{boot.synchronized ? 1 : 0})
        .bind(4, steps_text(boot.steps))
        .run();
    while (boots.size() > max_boots_kept) {
        database_.prepare(sql_forget).bind(1, boots.front().boot_id).run();
        boots.erase(boots.begin());
    }
    transaction.commit();
    boots_ = std::move(boots);
}

std::vector<wire::Boot> ClockNotes::between(Seq first, Seq last) const {
    std::vector<wire::Boot> result;
    for (std::size_t i = 0; i < boots_.size(); ++i) {
        // A boot ends where the next one begins; one without a pour says nothing.
        const bool over = i + 1 < boots_.size() &&
                          boots_[i + 1].first_seq <= std::max(first, boots_[i].first_seq);
        if (!over && boots_[i].first_seq <= last) {
            result.push_back(boots_[i]);
        }
    }
    if (result.size() > max_boots_sent) {
        result.erase(result.begin(), result.end() - static_cast<std::ptrdiff_t>(max_boots_sent));
    }
    return result;
}

}  // namespace tapline::journal
