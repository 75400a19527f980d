#include "central/catalog/recognise.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <fmt/format.h>

#include "central/catalog/read.hpp"
#include "central/catalog/scratch.hpp"
#include "central/catalog/snapshot_file.hpp"
#include "central/revision/execute.hpp"

namespace tapline::catalog {

namespace {

using revision::IdSet;
using revision::LineageName;
using Ids = std::vector<std::string>;

/// Besides the version tables.
constexpr std::array<std::string_view, 4> bookkeeping{
    "tapline.revision_log",
    "tapline.revision_progress",
    "tapline.accepted_difference",
    "schema tapline"};

/// Every new database has these.
constexpr std::array<std::string_view, 2> in_every_database{"extension plpgsql", "schema public"};

/// A scratch database that goes up step by step as long as one state contains the last one.
class Walk {
  public:
    Walk(const revision::LineageSet& set, std::size_t index, pg::ConnectOptions server)
        : set_(set), index_(index), server_(std::move(server)) {}

    Catalog at(const Ids& heads) {
        const IdSet wanted = set_[index_].lineage.with_ancestors(heads);
        if (!scratch_ ||
            !std::includes(wanted.begin(), wanted.end(), there_.begin(), there_.end())) {
            runner_.reset();
            scratch_ = std::make_unique<ScratchDatabase>(server_);
            revision::RunOptions options;
            options.connect = scratch_->connect();
            runner_ = std::make_unique<revision::Runner>(set_, options);
        }
        for (const std::string& id : heads) {
            runner_->upgrade(id);
        }
        there_ = wanted;
        Parts parts = split(read_catalog(runner_->session()));
        return set_[index_].name == LineageName::app ? std::move(parts.app)
                                                     : std::move(parts.tapline);
    }

  private:
    const revision::LineageSet& set_;
    std::size_t index_;
    pg::ConnectOptions server_;
    std::unique_ptr<ScratchDatabase> scratch_;
    std::unique_ptr<revision::Runner> runner_;  // goes before the database that it is connected to
    IdSet there_;
};

Likeness compare_with(
    const Ids& heads,
    const Catalog& expected,
    const Catalog& live,
    const AcceptedDifferences& accepted
) {
    Likeness likeness;
    likeness.heads = heads;
    likeness.distance = distance(expected, live);
    for (Finding& finding : compare(expected, live, accepted)) {
        if (is_bookkeeping(finding)) {
            continue;
        }
        if (is_comment_only(finding)) {
            ++likeness.comments;
        } else if (is_public_create(finding)) {
            likeness.public_creates = true;
        } else {
            likeness.findings.push_back(std::move(finding));
        }
    }
    return likeness;
}

}  // namespace

bool is_bookkeeping(const Finding& finding) {
    if (is_version_table(finding)) {
        return true;
    }
    const std::string& object = finding.object;
    return std::any_of(bookkeeping.begin(), bookkeeping.end(), [&](std::string_view name) {
        const std::size_t at = object.find(name);
        if (at == std::string::npos || (at > 0 && object[at - 1] != ' ')) {
            return false;
        }
        const std::size_t end = at + name.size();
        // "sequence tapline.revision_log_log_id_seq"
        const bool named_after = name.starts_with("tapline.") && object[end] == '_';
        return end == object.size() || object[end] == ' ' || named_after;
    });
}

bool is_version_table(const Finding& finding) {
    constexpr std::array<std::string_view, 2> tables{"alembic_version", "tapline.alembic_version"};
    const std::string object = finding.object + ' ';
    return std::any_of(tables.begin(), tables.end(), [&](std::string_view table) {
        return object.starts_with(fmt::format("table {} ", table)) ||
               object.ends_with(fmt::format(" on {} ", table));
    });
}

bool is_public_create(const Finding& finding) {
    constexpr std::string_view creates = "public: create, usage";
    if (finding.object != "schema public" || finding.change != Change::changed ||
        finding.expected.size() != 1 || finding.found.size() != 1 ||
        !finding.expected.contains("privileges") || !finding.found.contains("privileges")) {
        return false;
    }
    std::string without = finding.found.at("privileges");
    const std::size_t at = without.find(creates);
    if (at == std::string::npos || (at > 0 && without[at - 1] != ' ')) {
        return false;
    }
    return without.replace(at, creates.size(), "public: usage") ==
           finding.expected.at("privileges");
}

Catalog nothing_made(const Catalog& live) {
    Catalog empty{live.server_major, live.owners, {}};
    for (const std::string_view name : in_every_database) {
        const auto found = live.objects.find(std::string(name));
        if (found != live.objects.end()) {
            empty.objects.insert(*found);
        }
    }
    return empty;
}

std::vector<Likeness> likenesses(
    const revision::LineageSet& set,
    std::size_t index,
    const Catalog& live,
    const LikenessOptions& options
) {
    const revision::Lineage& lineage = set[index].lineage;
    std::vector<Ids> states;
    for (const revision::Revision& each : lineage.revisions()) {
        states.push_back({each.id});
    }
    if (lineage.real_heads().size() > 1) {
        states.push_back(lineage.real_heads());
    }
    const bool known = std::all_of(options.rows.begin(), options.rows.end(), [&](const auto& id) {
        return lineage.find(id) != nullptr;
    });
    const Ids rows = known ? lineage.heads_of(lineage.with_ancestors(options.rows)) : Ids{};
    if (rows.size() > 1 && std::find(states.begin(), states.end(), rows) == states.end()) {
        states.push_back(rows);
    }
    Walk walk(set, index, options.connect);
    std::vector<Likeness> all{compare_with({}, nothing_made(live), live, options.accepted)};
    for (const Ids& heads : states) {
        std::optional<Snapshot> snapshot = find_snapshot(options.directory, set[index].name, heads);
        const Catalog expected = snapshot && snapshot->catalog.server_major == live.server_major
                                     ? std::move(snapshot->catalog)
                                     : walk.at(heads);
        all.push_back(compare_with(heads, expected, live, options.accepted));
    }
    return all;
}

}  // namespace tapline::catalog
