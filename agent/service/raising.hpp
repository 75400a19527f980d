// How the running agent raises a journal of this machine.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "agent/sync/syncer.hpp"

namespace tapline::service {

/// With the revisions that this program carries, as `journal upgrade` does it: inspected, with a
/// verified backup, within the deadline of a migration beside a tap that works.
[[nodiscard]] sync::Raising raising_of(
    std::string file,
    std::vector<std::string> writer_statements,
    boost::asio::any_io_executor thread
);

}  // namespace tapline::service
