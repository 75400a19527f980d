#include "agent/service/wear.hpp"

#include <algorithm>

namespace tapline::service {

void Wear::note(MonoTime now, const journal::DiskUse& use, std::int64_t acked, Seq newest) {
    const Look look{now, use, acked, newest};
    if (!last_) {
        // Counters begin at 0 with the program. Its start writes down the boot: no idle hour's.
        last_ = Look{now, {}, 0, newest};
        busy_until_ = now + wear_quiet;
    }
    const bool moved = acked != last_->acked || newest != last_->newest;
    const bool idle = !moved && last_->at >= busy_until_;
    const auto bytes = use.written_bytes - last_->use.written_bytes;
    const auto syncs = use.syncs - last_->use.syncs;
    if (idle) {
        figures_.idle_ms += (now - last_->at).count();
        figures_.idle_bytes += bytes;
        figures_.idle_syncs += syncs;
    } else {
        // Fewer than before: a reload took a journal away.
        figures_.pours += std::max<std::int64_t>(acked - last_->acked, 0);
        figures_.busy_bytes += bytes;
        figures_.busy_syncs += syncs;
    }
    if (moved) {
        busy_until_ = now + wear_quiet;
    }
    last_ = look;
}

}  // namespace tapline::service
