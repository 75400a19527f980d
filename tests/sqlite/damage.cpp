#include "tests/sqlite/damage.hpp"

#include <fstream>
#include <stdexcept>

#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/journal.hpp"
#include "tests/sqlite/files.hpp"

namespace tapline::test {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view sql_content =
    "SELECT seq, quote(client_tx_id) || '/' || quote(short_id) || '/' || quote(card_uid) || '/' || "
    "quote(tap_id) || '/' || quote(start_ts) || '/' || quote(end_ts) || '/' || quote(duration_ms) "
    "|| '/' || quote(volume_ml) || '/' || quote(tail_volume_ml) || '/' || quote(price_cents) || "
    "'/' || quote(price_per_ml_at_pour) || '/' || quote(data) || '/' || quote(recorded_at) || '/' "
    "|| quote(legacy_status) FROM pours ORDER BY seq";

void ack(journal::Journal& journal, int through) {
    const auto identity = journal.identity();
    journal::BatchLimits limits;
    limits.rows = through - identity.acked_through;
    const auto batch = journal.next_batch(identity.acked_through, identity.acked_hash, limits);
    if (!batch || batch->last_seq != through) {
        throw std::runtime_error("no such batch");
    }
    journal::AckRecord record;
    record.first_seq = batch->first_seq;
    record.acked_through = batch->last_seq;
    record.hash = batch->hash;
    journal.record_ack(record);
}

struct Leaf {
    std::int64_t page = 0;
    int cells = 0;
};

std::vector<Leaf> leaves_of(Plain& database, std::string_view name) {
    std::vector<Leaf> leaves;
    for (const auto& line : database.rows(fmt::format(
             "SELECT pageno, ncell FROM dbstat WHERE name = '{}' AND pagetype = 'leaf' ORDER BY "
             "path",
             name
         ))) {
        const auto bar = line.find('|');
        leaves.push_back({std::stoll(line.substr(0, bar)), std::stoi(line.substr(bar + 1))});
    }
    return leaves;
}

std::vector<std::int64_t> numbers(Plain& database, const std::string& sql) {
    std::vector<std::int64_t> found;
    for (const auto& line : database.rows(sql)) {
        found.push_back(std::stoll(line));
    }
    return found;
}

/// A tree of two levels in order: a leaf, the root's first cell, the next leaf, …
void map_index(Plain& database, PageMap& map) {
    const std::string name = "sqlite_autoindex_pours_1";
    const auto seqs = numbers(database, "SELECT seq FROM pours ORDER BY client_tx_id");
    const auto inner = numbers(
        database,
        fmt::format("SELECT pageno FROM dbstat WHERE name = '{}' AND pagetype = 'internal'", name)
    );
    if (inner.size() > 1) {
        throw std::runtime_error("the index has more than two levels");
    }
    auto seq = seqs.begin();
    for (const auto& leaf : leaves_of(database, name)) {
        for (int i = 0; i < leaf.cells; ++i) {
            map.entries[leaf.page].insert(*seq++);
        }
        if (seq != seqs.end()) {
            map.entries[inner.at(0)].insert(*seq++);
        }
    }
    if (seq != seqs.end()) {
        throw std::runtime_error("the index has fewer entries than pours");
    }
}

}  // namespace

void make_known_journal(const fs::path& file, const JournalPlan& plan) {
    make_journal(file, "gen8", 0);
    journal::adopt(file);
    {
        Plain writer(file);
        writer.exec("BEGIN");
        for (int number = 1; number <= plan.pours; ++number) {
            if (writer.insert(release("gen8").insert, id_of(number), 100 + number % 400) !=
                SQLITE_OK) {
                throw std::runtime_error(writer.error());
            }
        }
        writer.exec("COMMIT");
    }
    {
        const auto journal = journal::Journal::open(file);
        for (int through = plan.step; through <= plan.acked; through += plan.step) {
            ack(*journal, through);
        }
    }
    Plain(file).exec("PRAGMA wal_checkpoint(TRUNCATE)");
}

std::map<std::int64_t, std::string> contents_of(const fs::path& file) {
    std::map<std::int64_t, std::string> contents;
    for (const auto& line : Plain(file).rows(sql_content)) {
        const auto bar = line.find('|');
        contents[std::stoll(line.substr(0, bar))] = line.substr(bar + 1);
    }
    return contents;
}

PageMap map_pages(const fs::path& file) {
    PageMap map;
    map.content = contents_of(file);
    Plain database(file);
    map.page_size = std::stoll(database.one("PRAGMA page_size"));
    map.pages = std::stoll(database.one("PRAGMA page_count"));
    auto seq = map.content.begin();
    for (const auto& leaf : leaves_of(database, "pours")) {
        for (int i = 0; i < leaf.cells; ++i) {
            map.rows[leaf.page].insert((seq++)->first);
        }
    }
    if (seq != map.content.end()) {
        throw std::runtime_error("dbstat tells of fewer pours");
    }
    map_index(database, map);
    for (const auto page : numbers(
             database,
             "SELECT pageno FROM dbstat WHERE name NOT IN ('pours', 'sqlite_autoindex_pours_1') OR "
             "pagetype = 'internal'"
         )) {
        map.own_pages.insert(page);
    }
    return map;
}

Expected expect(
    const PageMap& map, const JournalPlan& plan, const std::set<std::int64_t>& lost_pages
) {
    std::set<std::int64_t> gone;
    std::set<std::int64_t> unnamed;
    for (const auto& [page, seqs] : map.rows) {
        if (lost_pages.contains(page)) {
            gone.insert(seqs.begin(), seqs.end());
        }
    }
    for (const auto& [page, seqs] : map.entries) {
        if (lost_pages.contains(page)) {
            unnamed.insert(seqs.begin(), seqs.end());
        }
    }
    Expected expected;
    bool doubt = false;
    for (int last = plan.step; last <= plan.acked; last += plan.step) {
        int left = 0;
        for (int seq = last - plan.step + 1; seq <= last; ++seq) {
            left += gone.contains(seq) ? 0 : 1;
        }
        for (int seq = last - plan.step + 1; seq <= last && left == plan.step; ++seq) {
            expected.whole.insert(seq);
        }
        doubt = doubt || (left > 0 && left < plan.step);
        expected.settled = doubt ? expected.settled : last;
    }
    std::int64_t top = expected.settled;
    for (const auto& [seq, content] : map.content) {
        const bool here = !gone.contains(seq);
        const bool named = !unnamed.contains(seq);
        top = here || named ? std::max(top, seq) : top;
        if (here && named) {
            expected.whole.insert(seq);
        }
    }
    for (const auto& [seq, content] : map.content) {
        if (seq <= expected.settled || seq > top) {
            continue;
        }
        const bool here = !gone.contains(seq);
        const bool named = !unnamed.contains(seq);
        expected.to_send += expected.whole.contains(seq) ? 1 : 0;
        expected.unindexed += here && !expected.whole.contains(seq) ? 1 : 0;
        expected.id_only += !here && named ? 1 : 0;
        expected.missing += !here && !named ? 1 : 0;
    }
    return expected;
}

void zero_page(const fs::path& file, const PageMap& map, std::int64_t page) {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp((page - 1) * map.page_size);
    const std::string zeros(static_cast<std::size_t>(map.page_size), '\0');
    stream.write(zeros.data(), static_cast<std::streamsize>(zeros.size()));
}

void flip_bit(const fs::path& file, std::int64_t byte, int bit) {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekg(byte);
    const auto old = static_cast<unsigned>(stream.get());
    stream.seekp(byte);
    stream.put(static_cast<char>(old ^ (1U << static_cast<unsigned>(bit))));
}

}  // namespace tapline::test
