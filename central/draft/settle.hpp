// From items to files that lint lets pass and that run: what doesn't becomes a proposal. Pure but
// for the trial that the caller hands in.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "central/draft/pages.hpp"
#include "common/revision/compose.hpp"

namespace tapline::draft {

struct DraftFile {
    Page page;
    revision::NewRevision revision;
    revision::SourceFile file;
    revision::Revision read;  ///< the file, parsed
};

struct Draft {
    std::vector<Item> items;
    std::vector<DraftFile> files;  ///< in the order in which they revise each other
};

struct TrialFailure {
    std::string file;
    int line = 0;
    std::string message;
};

struct Trial {
    std::optional<TrialFailure> failure;
    std::vector<catalog::Finding> left;  ///< between what the files make and what is wanted
};

struct SettleOptions {
    /// Of the first file; its sql is ours.
    revision::NewRevision first;
    /// Ids of the files after the first.
    std::function<std::string()> fresh_id;
    /// Runs the files in a scratch database; empty: they aren't tried.
    std::function<Trial(const std::vector<DraftFile>&)> trial;
};

/// No items: no files. Throws the errors of revision::compose, and Error{bug, "draft"} when a
/// failure is in no item's text.
[[nodiscard]] Draft settle(
    const Sides& sides, std::vector<Item> items, const SettleOptions& options
);

}  // namespace tapline::draft
