#include "agent/salvage/judge.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <unordered_set>

#include "agent/salvage/proof.hpp"

namespace tapline::salvage {

namespace {

struct Named {
    Doubt doubt;
    std::string_view name;
};

constexpr std::array<Named, 5> names{{
    {Doubt::undecodable, "undecodable"},
    {Doubt::invalid, "invalid"},
    {Doubt::unindexed, "unindexed"},
    {Doubt::second, "second"},
    {Doubt::id_only, "id_only"},
}};

/// Whether an index names this id with this seq; ids are sorted by seq.
class Index {
  public:
    explicit Index(const std::vector<FoundId>& ids) : ids_(ids) {}

    [[nodiscard]] bool names(Seq seq, std::uint64_t digest) const {
        const auto [first, last] = range(seq);
        return std::any_of(first, last, [&](const FoundId& id) { return id.digest == digest; });
    }

    /// Another id for this seq.
    [[nodiscard]] std::optional<std::size_t> other(Seq seq, std::uint64_t digest) const {
        const auto [first, last] = range(seq);
        const auto found = std::find_if(first, last, [&](const FoundId& id) {
            return id.counts && id.digest != digest;
        });
        return found == last ? std::nullopt
                             : std::optional(static_cast<std::size_t>(found - ids_.begin()));
    }

  private:
    using Place = std::vector<FoundId>::const_iterator;

    [[nodiscard]] std::pair<Place, Place> range(Seq seq) const {
        return std::equal_range(
            ids_.begin(),
            ids_.end(),
            FoundId{seq},
            [](const FoundId& a, const FoundId& b) { return a.seq < b.seq; }
        );
    }

    const std::vector<FoundId>& ids_;
};

class Judge {
  public:
    Judge(Found& found, const ReadPour& read) : found_(found), read_(read), index_(found.ids) {}

    Verdict run() {
        sort();
        choose();
        prove();
        sort_out();
        find_orphaned_ids();
        place();
        count();
        return std::move(verdict_);
    }

  private:
    void sort();
    void choose();
    void prove();
    void sort_out();
    void find_orphaned_ids();
    void place();
    void count();
    void doubt(Doubt doubt, std::optional<std::size_t> row, std::optional<std::size_t> id);

    [[nodiscard]] bool confirmed(const FoundRow& row) const {
        return row.decodes && index_.names(row.seq, row.id_digest);
    }

    [[nodiscard]] bool sound(const FoundRow& row) const { return row.valid && confirmed(row); }

    Found& found_;
    const ReadPour& read_;
    Index index_;
    std::vector<std::size_t> chosen_;  ///< one row of each seq
    std::vector<std::size_t> others_;  ///< rows with a seq that another one has
    Proof proof_;
    Verdict verdict_;
};

void Judge::sort() {
    std::sort(found_.ids.begin(), found_.ids.end(), [](const FoundId& a, const FoundId& b) {
        return std::tie(a.seq, a.digest, b.counts) < std::tie(b.seq, b.digest, a.counts);
    });
    const auto same = [](const FoundId& a, const FoundId& b) {
        return a.seq == b.seq && a.digest == b.digest;
    };
    found_.ids.erase(std::unique(found_.ids.begin(), found_.ids.end(), same), found_.ids.end());
    // The best of a seq first: sound, then confirmed, then by where it stood.
    const auto rank = [this](const FoundRow& row) {
        const bool named = confirmed(row);
        return std::tuple(
            !row.decodes, row.seq, !(row.valid && named), !named, row.origin, row.page, row.at
        );
    };
    std::sort(found_.rows.begin(), found_.rows.end(), [&](const FoundRow& a, const FoundRow& b) {
        return rank(a) < rank(b);
    });
}

void Judge::choose() {
    for (std::size_t i = 0; i < found_.rows.size(); ++i) {
        const auto& row = found_.rows[i];
        if (!row.decodes) {
            doubt(Doubt::undecodable, i, std::nullopt);
            continue;
        }
        const bool first = chosen_.empty() || found_.rows[chosen_.back()].seq != row.seq;
        if (first) {
            chosen_.push_back(i);
        } else if (found_.rows[chosen_.back()].value_digest != row.value_digest) {
            others_.push_back(i);
        }
    }
    // A guess counts only with the index's word. It is chosen last of its seq, so none hides.
    std::erase_if(chosen_, [this](std::size_t i) {
        return found_.rows[i].origin == Origin::guessed && !sound(found_.rows[i]);
    });
    // What no tree leads to may be an older copy of the page, or a broken frame's.
    std::erase_if(others_, [this](std::size_t i) { return found_.rows[i].origin != Origin::tree; });
}

void Judge::prove() {
    std::vector<ChainRow> rows;
    rows.reserve(chosen_.size());
    for (const auto i : chosen_) {
        rows.push_back({found_.rows[i].seq, i, sound(found_.rows[i])});
    }
    proof_ = prove_chain(found_, rows, read_);
    verdict_.settled = proof_.settled;
    verdict_.chain = proof_.chain;
}

void Judge::sort_out() {
    for (const auto i : chosen_) {
        const auto& row = found_.rows[i];
        const bool proven = proof_.proves(row.seq);
        // What waits in quarantine already stays the same row there: the same hash, the same note.
        if (proven || sound(row) || (row.noted && confirmed(row))) {
            verdict_.whole.push_back({i, proven});
            continue;
        }
        // Central has what lies before, by the chain's word.
        if (row.seq > verdict_.settled.seq) {
            doubt(
                confirmed(row) ? Doubt::invalid : Doubt::unindexed,
                i,
                index_.other(row.seq, row.id_digest)
            );
        }
    }
    for (const auto i : others_) {
        doubt(Doubt::second, i, std::nullopt);
    }
}

void Judge::find_orphaned_ids() {
    std::unordered_set<Seq> seqs;
    for (const auto i : chosen_) {
        seqs.insert(found_.rows[i].seq);
    }
    std::map<std::uint64_t, std::size_t> by_digest;
    for (std::size_t d = 0; d < verdict_.doubtful.size(); ++d) {
        const auto& doubtful = verdict_.doubtful[d];
        if (doubtful.row && found_.rows[*doubtful.row].decodes && !doubtful.id) {
            by_digest.emplace(found_.rows[*doubtful.row].id_digest, d);
        }
    }
    for (std::size_t i = 0; i < found_.ids.size(); ++i) {
        const auto& id = found_.ids[i];
        if (!id.counts || id.seq <= verdict_.settled.seq || seqs.contains(id.seq)) {
            continue;
        }
        // Its row has a wrong seq: the index knows the right one.
        if (const auto row = by_digest.find(id.digest); row != by_digest.end()) {
            verdict_.doubtful[row->second].id = i;
            verdict_.doubtful[row->second].place = id.seq;
            by_digest.erase(row);
            continue;
        }
        doubt(Doubt::id_only, std::nullopt, i);
    }
}

/// Numbers that only damage can have made must not be used up.
void Judge::place() {
    auto& top = verdict_.top;
    top = verdict_.settled.seq;
    for (const auto& whole : verdict_.whole) {
        top = std::max(top, found_.rows[whole.row].seq);
    }
    const Seq furthest = top + found_.most_rows;
    std::unordered_set<Seq> taken;
    for (const auto& whole : verdict_.whole) {
        if (found_.rows[whole.row].seq > verdict_.settled.seq) {
            taken.insert(found_.rows[whole.row].seq);
        }
    }
    for (auto& doubtful : verdict_.doubtful) {
        const bool decodes = doubtful.row && found_.rows[*doubtful.row].decodes;
        Seq claim = doubtful.place;
        if (claim == 0 && doubtful.doubt == Doubt::id_only) {
            claim = found_.ids[*doubtful.id].seq;
        } else if (claim == 0 && decodes && doubtful.doubt != Doubt::second) {
            claim = found_.rows[*doubtful.row].seq;
        }
        const bool free =
            claim > verdict_.settled.seq && claim <= furthest && taken.insert(claim).second;
        doubtful.place = free ? claim : 0;
        top = std::max(top, doubtful.place);
    }
}

void Judge::count() {
    std::int64_t placed = 0;
    for (const auto& whole : verdict_.whole) {
        const auto& row = found_.rows[whole.row];
        const bool behind = row.seq > verdict_.settled.seq;
        verdict_.proven += whole.proven ? 1 : 0;
        verdict_.noted += row.noted ? 1 : 0;
        verdict_.to_send += behind && !row.noted ? 1 : 0;
        placed += behind && row.noted ? 1 : 0;
    }
    for (const auto& doubtful : verdict_.doubtful) {
        ++verdict_.doubts[std::string(name_of(doubtful.doubt))];
        placed += doubtful.place != 0 ? 1 : 0;
    }
    verdict_.missing = verdict_.top - verdict_.settled.seq - verdict_.to_send - placed;
}

void Judge::doubt(Doubt doubt, std::optional<std::size_t> row, std::optional<std::size_t> id) {
    verdict_.doubtful.push_back({doubt, row, id, 0});
}

}  // namespace

std::string_view name_of(Doubt doubt) noexcept {
    for (const auto& named : names) {
        if (named.doubt == doubt) {
            return named.name;
        }
    }
    return {};
}

Verdict judge(Found& found, const ReadPour& read) {
    return Judge(found, read).run();
}

}  // namespace tapline::salvage
