// How the running agent finds and mends damage of a journal of this machine.
#pragma once

#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "agent/sync/syncer.hpp"

namespace tapline::service {

/// As `journal salvage` does it beside a tap that works. With more than three damaged copies beside
/// the journal the card is dying, and a person has to look.
[[nodiscard]] sync::Mending mending_of(std::string file, boost::asio::any_io_executor thread);

}  // namespace tapline::service
