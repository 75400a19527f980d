#include "central/settle/other_epochs.hpp"

#include "central/settle/statements.hpp"

namespace tapline::settle {

std::vector<std::optional<Decision>> find_settled_before(
    pg::Session& session, const std::vector<SettleRow>& rows
) {
    std::vector<std::optional<Decision>> known(rows.size());
    pg::ArrayBuilder journals, seqs, hashes;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].many_epochs) {
            journals.plain(*rows[i].journal_id);
            seqs.integer(rows[i].raw->seq);
            hashes.bytes(hash_bytes(*rows[i].hash));
            places.push_back(i);
        }
    }
    if (places.empty()) {
        return known;
    }
    session.exec(sql::lock_journals, journals);
    for (const auto row : session.exec(sql::find_settled_before, journals, seqs, hashes)) {
        auto& decision = known[places[static_cast<std::size_t>(row.integer(0) - 1)]];
        if (!row.is_null(1) || row.is_null(2)) {
            decision = Duplicate{std::string(row.text(1))};
        } else {
            decision = Rejection{std::string(row.text(2)), std::string(row.text(3))};
        }
    }
    return known;
}

}  // namespace tapline::settle
