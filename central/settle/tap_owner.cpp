#include "central/settle/tap_owner.hpp"

#include <map>
#include <string>
#include <utility>

namespace tapline::settle {

namespace {

// -> ord of the pairs whose journal's controller has a list without that tap
constexpr pg::Statement find_foreign{
    "settle_foreign",
    "SELECT i.ord FROM unnest($1::uuid[], $2::int[]) WITH ORDINALITY AS i(journal_id, tap_id, ord)"
    " JOIN tapline.journal j ON j.journal_id = i.journal_id"
    " WHERE EXISTS (SELECT FROM tapline.controller_tap t WHERE t.controller = j.controller)"
    " AND NOT EXISTS (SELECT FROM tapline.controller_tap t"
    " WHERE t.controller = j.controller AND t.tap_id = i.tap_id)"};

}  // namespace

void mark_foreign_taps(
    pg::Session& session, const std::vector<SettleRow>& rows, std::vector<Facts>& facts
) {
    std::map<std::pair<std::string, std::int64_t>, std::vector<std::size_t>> by_tap;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (const auto* clean = std::get_if<CleanPour>(rows[i].pour)) {
            by_tap[{*rows[i].journal_id, clean->tap_id}].push_back(i);
        }
    }
    if (by_tap.empty()) {
        return;
    }
    pg::ArrayBuilder journals;
    pg::ArrayBuilder taps;
    std::vector<const std::vector<std::size_t>*> places;
    for (const auto& [pair, indexes] : by_tap) {
        journals.plain(pair.first);
        taps.integer(pair.second);
        places.push_back(&indexes);
    }
    for (const auto row : session.exec(find_foreign, journals, taps)) {
        for (const auto index : *places[static_cast<std::size_t>(row.integer(0) - 1)]) {
            facts[index].foreign_tap = true;
        }
    }
}

}  // namespace tapline::settle
