#include "agent/service/mending.hpp"

#include <chrono>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "agent/journal/damage_check.hpp"
#include "agent/journal/owner.hpp"
#include "agent/salvage/salvage.hpp"

namespace tapline::service {

namespace {

constexpr std::size_t max_kept = 3;
/// quick_check reads the whole file; a card gives 10 MB a second and more.
constexpr std::chrono::seconds check_limit{60};

std::string words_of(const salvage::SalvageReport& report) {
    if (!report.damaged) {
        return "looked damaged, and is sound";
    }
    return fmt::format(
        "salvaged: {} pours are whole, {} of them are sent; {} are in doubt and go to central's "
        "quarantine; {} numbers are gone. The damaged file: {}",
        report.whole,
        report.to_send,
        report.doubtful,
        report.missing,
        report.kept->string()
    );
}

}  // namespace

sync::Mending mending_of(std::string file, boost::asio::any_io_executor thread) {
    sync::Mending mending;
    mending.run = [file] {
        salvage::SalvageOptions options;
        options.max_kept = max_kept;
        return words_of(salvage::salvage(file, options));
    };
    const auto check = std::make_shared<journal::DamageCheck>();
    mending.check = [file, check] {
        return check->run(journal::real_journal_path(file), check_limit);
    };
    mending.stop_check = [check] { check->stop(); };
    mending.thread = std::move(thread);
    return mending;
}

}  // namespace tapline::service
