#include "tests/faults/campaign.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "common/error.hpp"
#include "tests/support/report.hpp"

namespace fs = std::filesystem;

namespace tapline::test {

namespace {

constexpr int most_operations = 4'000;  ///< a path that never gets through is a bug of its own
constexpr std::array faults{
    Fault::io_error_once, Fault::io_error_from, Fault::full_from, Fault::power_cut};

std::string text_of(const RawPour& pour, std::string_view column) {
    const auto* value = pour.find(column);
    const auto* text = value == nullptr ? nullptr : std::get_if<Text>(value);
    return text == nullptr ? std::string() : text->bytes;
}

/// Runs `path` once; true when it got to its end. An error of ours is what a fault may give.
bool runs_through(const std::function<void()>& path) {
    try {
        path();
        return true;
    } catch (const Error& failure) {
        REQUIRE(failure.kind() != ErrorKind::bug);
        REQUIRE_FALSE(failure.hint().empty());
        return false;
    }
}

}  // namespace

void Centre::take(const wire::Batch& batch) {
    REQUIRE(batch.first_seq <= cursor + 1);
    for (const auto& row : batch.rows) {
        if (row.seq > cursor) {
            ids.insert(text_of(row, "client_tx_id"));
        }
    }
    cursor = std::max(cursor, batch.last_seq);
    hash = batch.hash;
}

Writer::Writer(const fs::path& file, std::set<std::string>& promised) : promised_(promised) {
    try {
        plain_.emplace(file);
    } catch (const std::runtime_error&) {  // its card fails, too: it pours nothing
    }
}

void Writer::pour(int number) {
    if (plain_ && plain_->insert(release("gen8").insert, id_of(number), 250) == 0) {
        promised_.insert(id_of(number));
    }
}

bool Writer::mark(int number, const std::string& status) {
    return plain_ &&
           plain_->run(fmt::format(
               "UPDATE pours SET status = '{}' WHERE client_tx_id = '{}'", status, id_of(number)
           )) == 0;
}

/// Hello: central's cursor counts, forward or back, where the chains are the same.
void agree(journal::Journal& journal, const Centre& centre) {
    const auto ours =
        centre.cursor == 0 ? std::optional(RowHash{}) : journal.hash_at(centre.cursor);
    REQUIRE(ours);
    REQUIRE(*ours == centre.hash);
    if (journal.identity().acked_through != centre.cursor) {
        journal.move_cursor(centre.cursor, centre.hash);
    }
}

/// Batch by batch until nothing is left.
void drain(journal::Journal& journal, Centre& centre) {
    journal::BatchLimits limits;
    limits.rows = 4;
    for (int batches = 0; batches < 100; ++batches) {
        const auto identity = journal.identity();
        const auto batch = journal.next_batch(identity.acked_through, identity.acked_hash, limits);
        if (!batch) {
            return;
        }
        centre.take(*batch);
        journal::AckRecord ack;
        ack.first_seq = batch->first_seq;
        ack.acked_through = batch->last_seq;
        ack.hash = batch->hash;
        ack.quarantined = {batch->rows.front().seq};
        ack.prunable_through = batch->first_seq;
        journal.record_ack(ack);
    }
    FAIL("the journal never gets empty");
}

void check_sound(const fs::path& file) {
    Plain plain(file);
    REQUIRE(plain.one("PRAGMA integrity_check") == "ok");
}

std::set<std::string> ids_in(const fs::path& file) {
    const auto found = Plain(file).rows("SELECT client_tx_id FROM pours");
    return {found.begin(), found.end()};
}

void check_kept(const fs::path& file, const std::set<std::string>& promised) {
    const auto there = ids_in(file);
    for (const auto& id : promised) {
        INFO("pour " << id);
        REQUIRE(there.contains(id));
    }
}

int stride_of(int stride) {
    return std::getenv("TAPLINE_LONG") == nullptr ? stride : 1;
}

/// The n-th operation for n = 1, 1 + stride, … until the path is through without having met it.
void every_operation(FaultyDisk& disk, const std::string& name, const Campaign& campaign) {
    for (const auto fault : faults) {
        int n = 1 + static_cast<int>(fault) % campaign.stride;
        int points = 0;
        for (;; n += campaign.stride, ++points) {
            REQUIRE(n < most_operations);
            INFO(name << ", " << name_of(fault) << " at operation " << n);
            campaign.begin();
            disk.arm(fault, n, static_cast<std::uint32_t>(n));
            const bool through = runs_through(campaign.path);
            const bool reached = disk.reached();
            if (fault == Fault::power_cut && reached) {
                disk.power_up();
            }
            disk.disarm();
            REQUIRE((through || reached));
            campaign.check();
            if (!reached) {
                break;
            }
        }
        report(fmt::format("{}: {}: {} fault points, all hold", name, name_of(fault), points));
    }
}

}  // namespace tapline::test
