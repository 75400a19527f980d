#include <algorithm>

#include <fmt/format.h>

#include "agent/doctor/looks.hpp"

namespace tapline::doctor {

namespace {

void check_errors(const Look& look, const Tell& tell) {
    std::int64_t errors = 0;
    const auto systems = look.each("/sys/fs/ext4", "errors_count");
    for (const auto& system : systems) {
        errors += look.number(system / "errors_count").value_or(0);
    }
    const auto seen = errors > 0 ? Verdict::fail : Verdict::ok;
    tell(
        {"filesystem_errors",
         systems.empty() ? Verdict::skip : seen,
         fmt::format("{} since the last fsck", errors),
         errors > 0 ? "See dmesg; save the journal, then fsck at the next start." : "",
         ""}
    );
}

void check_wear(const Look& look, const Tell& tell) {
    std::int64_t worst = 0;
    // JEDEC eMMC 5.0: 1 normal, 2 warning (80 % of the reserve is used), 3 urgent. SD cards have
    // none.
    for (const auto& card : look.each("/sys/block", "device/pre_eol_info")) {
        worst = std::max(worst, look.number(card / "device/pre_eol_info").value_or(0));
    }
    const auto worn = worst >= 3 ? Verdict::fail : Verdict::warn;
    const auto wear = worst >= 2 ? worn : Verdict::ok;
    tell(
        {"card_wear",
         worst == 0 ? Verdict::skip : wear,
         worst == 0 ? "the card doesn't say" : fmt::format("pre_eol_info {}", worst),
         worst >= 2 ? "Change the card now; take the journal along with its -wal." : "",
         ""}
    );
}

}  // namespace

Group card_group(const Look& look) {
    Group group;
    group.ids = {"filesystem_errors", "card_wear"};
    group.look = [look](const Tell& tell) {
        check_errors(look, tell);
        check_wear(look, tell);
    };
    return group;
}

}  // namespace tapline::doctor
