#include "central/cli/stamp_gate.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include "central/catalog/expectation.hpp"
#include "central/catalog/recognise.hpp"
#include "central/cli/reconcile_sql.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::cli {

namespace {

std::map<std::string, std::string> read_accept(const std::vector<std::string>& accept) {
    std::map<std::string, std::string> reasons;
    for (const std::string& one : accept) {
        const std::size_t at = one.find('=');
        const bool reasoned = at != std::string::npos && at > 0 &&
                              one.find_first_not_of(" \t", at + 1) != std::string::npos;
        if (!reasoned) {
            throw Error(
                ErrorKind::usage,
                "accept",
                fmt::format("--accept '{}' isn't OBJECT=REASON", printable(one, 100)),
                "write --accept 'table pours column note=added by hand for the pilot'"
            );
        }
        const std::size_t begin = one.find_first_not_of(" \t", at + 1);
        const std::size_t end = one.find_last_not_of(" \t");
        if (one.substr(begin, end + 1 - begin) == "WHY") {
            throw Error(
                ErrorKind::usage,
                "accept",
                fmt::format("--accept '{}' gives no reason", printable(one, 100)),
                "write why it may stay, in place of WHY: it is kept with your name"
            );
        }
        reasons[one.substr(0, at)] = one.substr(at + 1);
    }
    return reasons;
}

/// Takes the reasons that it uses out.
Parity sort_out(
    std::vector<catalog::Finding> findings, std::map<std::string, std::string>& reasons
) {
    Parity parity;
    for (catalog::Finding& finding : findings) {
        if (catalog::is_bookkeeping(finding)) {
            continue;
        }
        const auto reason = reasons.find(finding.object);
        if (reason != reasons.end()) {
            parity.accepted.push_back({std::move(finding), reason->second});
            reasons.erase(reason);
        } else if (catalog::is_comment_only(finding)) {
            parity.comments.push_back(std::move(finding));
        } else if (catalog::is_public_create(finding)) {
            parity.public_creates = true;
        } else {
            parity.blocking.push_back(std::move(finding));
        }
    }
    return parity;
}

}  // namespace

Parity compare_before_stamp(
    const revision::LineageSet& set,
    const std::vector<revision::StampPart>& parts,
    const pg::ConnectOptions& connect,
    const std::string& directory,
    const std::vector<std::string>& accept
) {
    auto reasons = read_accept(accept);
    catalog::CheckOptions check;
    check.connect = connect;
    if (!directory.empty()) {
        check.directory = directory;
    }
    revision::AppliedHeads heads(set.size());
    std::vector<std::size_t> at_base;
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (parts[i].named) {
            heads[i] = parts[i].plan.heads_after;
            if (heads[i].empty()) {
                at_base.push_back(i);
            }
        }
    }
    {
        pg::Session session(connect);
        check.accepted = catalog::read_accepted(session);
    }
    // Accepted already and named again: taken, with the new reason.
    std::erase_if(check.accepted, [&](const auto& one) { return reasons.contains(one.first); });
    check.heads = heads;
    ReconcileSql sql;
    sql.listen(check);
    std::vector<catalog::Finding> findings;
    if (std::any_of(heads.begin(), heads.end(), [](const auto& ids) { return !ids.empty(); })) {
        findings = catalog::check_database(set, check);
    }
    for (const std::size_t index : at_base) {
        std::ranges::move(catalog::left_behind(set, index, check), std::back_inserter(findings));
    }
    Parity parity = sort_out(std::move(findings), reasons);
    parity.reconcile = sql.about(parity.blocking);
    if (!reasons.empty()) {
        throw Error(
            ErrorKind::usage,
            "accept",
            fmt::format("--accept names '{}', which doesn't differ", reasons.begin()->first),
            "the objects are named as the list of differences names them"
        );
    }
    return parity;
}

}  // namespace tapline::cli
