#include "central/cli/stamp_gate.hpp"

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
        reasons[one.substr(0, at)] = one.substr(at + 1);
    }
    return reasons;
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
    bool any = false;
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (parts[i].named) {
            heads[i] = parts[i].plan.heads_after;
            any = any || !heads[i].empty();
        }
    }
    Parity parity;
    if (any) {
        check.heads = heads;
        ReconcileSql sql;
        sql.listen(check);
        {
            pg::Session session(connect);
            check.accepted = catalog::read_accepted(session);
        }
        for (catalog::Finding& finding : catalog::check_database(set, check)) {
            if (catalog::is_bookkeeping(finding)) {
                continue;
            }
            const auto reason = reasons.find(finding.object);
            if (reason != reasons.end()) {
                parity.accepted.push_back({std::move(finding), reason->second});
                reasons.erase(reason);
            } else if (catalog::is_comment_only(finding)) {
                parity.comments.push_back(std::move(finding));
            } else {
                parity.blocking.push_back(std::move(finding));
            }
        }
        parity.reconcile = sql.about(parity.blocking);
    }
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
