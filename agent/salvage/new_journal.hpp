// The journal that is made of what was found.
#pragma once

#include <filesystem>
#include <string>

#include "agent/salvage/found.hpp"
#include "agent/salvage/judge.hpp"
#include "agent/salvage/layout.hpp"

namespace tapline::salvage {

/// What writing needs besides the verdict; the pages are read again for each row.
struct Source {
    Pages& pages;
    const PourLayout& layout;
    const Found& found;
    const Verdict& verdict;
    std::string revision;  ///< of the new file: what the old one was at
    std::string report;    ///< JSON: central's operator reads it
};

/// The revision that the damaged file was at: by its log, else the lowest that fits its widest
/// record. Throws refused/"newer_revision" when this program doesn't know it.
[[nodiscard]] std::string revision_of(const Found& found, const PourLayout& layout);

/// A file of its own at that revision, with page_size of the old one. Everything of it is on the
/// disk's cache only: it is a scratch file until it is copied over the journal. Throws storage*.
void write_journal(const std::filesystem::path& file, const Source& source);

}  // namespace tapline::salvage
