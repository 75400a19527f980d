// A connection to an adopted journal, for looking: beside a running agent or without one.
#pragma once

#include <filesystem>
#include <string>

#include "agent/journal/database.hpp"

namespace tapline::journal {

struct Reading {
    Database database;
    std::string revision;  ///< "j0001"
};

/// Takes no lock that the agent or the tap's program could meet. Becomes the file's owner first, as
/// everything does. Throws refused/"not_adopted", refused/"wrong_owner", storage*.
[[nodiscard]] Reading open_for_reading(const std::filesystem::path& file);

}  // namespace tapline::journal
