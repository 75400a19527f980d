#include <algorithm>

#include "common/wire_parts.hpp"
#include "common/wire_value.hpp"

namespace tapline::wire {

namespace {

constexpr std::size_t max_boots = 64;
constexpr std::size_t max_steps = 32;

Json write_boots(const std::vector<Boot>& boots) {
    Json list = Json::array();
    for (const auto& boot : boots) {
        Json steps = Json::array();
        for (const auto& step : boot.steps) {
            steps.push_back({{"after_seq", step.after_seq}, {"delta_ms", step.delta_ms}});
        }
        list.push_back(
            {{"boot_id", boot.boot_id},
             {"first_seq", boot.first_seq},
             {"synchronized", boot.synchronized},
             {"steps", std::move(steps)}}
        );
    }
    return list;
}

ClockStep read_step(const Json& json) {
    const Reader reader(json);
    return ClockStep{
        reader.number("after_seq", 0),
        reader.number("delta_ms", std::numeric_limits<std::int64_t>::min())};
}

Boot read_boot(const Json& json) {
    const Reader reader(json);
    Boot boot;
    boot.boot_id = reader.text("boot_id");
    boot.first_seq = reader.number("first_seq", 0);
    boot.synchronized = reader.flag_or("synchronized", false);
    boot.steps = reader.list<ClockStep>("steps", max_steps, read_step);
    return boot;
}

AbsentRange read_absent(const Json& json) {
    if (!json.is_array() || json.size() != 2 || !json[0].is_number_integer() ||
        !json[1].is_number_integer()) {
        malformed("an absent range isn't [first, last]");
    }
    return AbsentRange{json[0].get<std::int64_t>(), json[1].get<std::int64_t>()};
}

}  // namespace

std::string encode(const Batch& batch) {
    std::string out;
    out.reserve(batch.rows.size() * 400 + 1024);
    fmt::format_to(
        std::back_inserter(out),
        R"({{"revision":{},"first_seq":{},"last_seq":{},"prev_hash":"{}","hash":"{}","rows":[)",
        Json(batch.revision).dump(),
        batch.first_seq,
        batch.last_seq,
        to_hex(batch.prev_hash),
        to_hex(batch.hash)
    );
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
        if (i != 0) {
            out.push_back(',');
        }
        append_row(out, batch.rows[i]);
    }
    out += R"(],"absent":[)";
    for (std::size_t i = 0; i < batch.absent.size(); ++i) {
        fmt::format_to(
            std::back_inserter(out),
            "{}[{},{}]",
            i == 0 ? "" : ",",
            batch.absent[i].first,
            batch.absent[i].last
        );
    }
    fmt::format_to(
        std::back_inserter(out),
        R"(],"truncated":{},"boots":{},"clock":{},"released_through":{}}})",
        batch.truncated,
        dump(write_boots(batch.boots)),
        dump(write(batch.clock)),
        batch.released_through
    );
    return out;
}

Batch decode_batch(std::string_view text) {
    const auto json = parse_object(text);
    const Reader reader(json);
    Batch batch;
    batch.revision = reader.text("revision");
    batch.first_seq = reader.number("first_seq", 1);
    batch.last_seq = reader.number("last_seq", 1);
    batch.prev_hash = reader.hash("prev_hash");
    batch.hash = reader.hash("hash");
    if (reader.child("rows") == nullptr) {
        malformed("rows is missing");
    }
    batch.rows = reader.list<RawPour>("rows", max_batch_rows, read_row);
    batch.absent = reader.list<AbsentRange>("absent", max_absent_ranges, read_absent);
    batch.truncated = reader.flag_or("truncated", false);
    batch.boots = reader.list<Boot>("boots", max_boots, read_boot);
    batch.clock = read_clock(reader.child("clock"));
    batch.released_through = reader.number_or("released_through", 0);
    return batch;
}

std::string encode_row(const RawPour& row) {
    std::string out;
    out.reserve(512);
    append_row(out, row);
    return out;
}

RawPour decode_row(std::string_view text) {
    return read_row(parse_object(text));
}

std::size_t encoded_size_bound(const RawPour& row) noexcept {
    // A byte of text takes at most six (\u0000); base64 takes 4/3 and a header.
    std::size_t bytes = 48;
    for (const auto& column : row.columns) {
        bytes += column.name.size() + 4;
        if (const auto* text = std::get_if<Text>(&column.value)) {
            const auto plain = std::all_of(text->bytes.begin(), text->bytes.end(), [](char c) {
                return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\' &&
                       static_cast<unsigned char>(c) < 0x80;
            });
            bytes += plain ? text->bytes.size() + 2 : text->bytes.size() * 6 + 40;
        } else if (const auto* blob = std::get_if<Blob>(&column.value)) {
            bytes += blob->bytes.size() * 4 / 3 + 40;
        } else {
            bytes += 52;
        }
    }
    return bytes;
}

}  // namespace tapline::wire
