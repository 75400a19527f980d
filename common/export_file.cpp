#include "common/export_file.hpp"

#include "common/error.hpp"
#include "common/wire_json.hpp"

namespace tapline::wire {

namespace {

constexpr const char* version_key = "tapline_export";
constexpr std::string_view end_begins = R"({"export_end":)";

}  // namespace

std::string encode(const ExportHeader& header) {
    // The version first: whoever looks at the file sees what it is.
    const nlohmann::ordered_json json{
        {version_key, export_version},
        {"journal_id", header.journal_id},
        {"epoch", header.epoch},
        {"revision", header.revision},
        {"first_seq", header.first_seq},
        {"prev_hash", to_hex(header.prev_hash)},
        {"acked_through", header.acked_through},
        {"fingerprint", header.fingerprint},
        {"agent_version", header.agent_version},
        {"made_at", header.made_at}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string encode(const ExportEnd& end) {
    const nlohmann::ordered_json inside{
        {"batches", end.batches},
        {"rows", end.rows},
        {"last_seq", end.last_seq},
        {"hash", to_hex(end.hash)},
        {"sha256", to_hex(end.sha256)}};
    return nlohmann::ordered_json{{"export_end", inside}}.dump();
}

ExportHeader decode_export_header(std::string_view line) {
    const Json json = parse_object(line);
    const Reader reader(json);
    const auto version = reader.number(version_key, 1);
    if (version != export_version) {
        throw Error(
            ErrorKind::data,
            "export_version",
            fmt::format(
                "the file is of version {}, this program reads {}", version, export_version
            ),
            "import it with the tapline-central that is as new as the agent that wrote it"
        );
    }
    ExportHeader header;
    header.journal_id = reader.text("journal_id");
    header.epoch = reader.number("epoch", 1);
    header.revision = reader.text("revision");
    header.first_seq = reader.number("first_seq", 1);
    header.prev_hash = reader.hash("prev_hash");
    header.acked_through = reader.number("acked_through", 0);
    header.fingerprint = reader.text_or("fingerprint");
    header.agent_version = reader.text_or("agent_version");
    header.made_at = reader.text_or("made_at");
    return header;
}

ExportEnd decode_export_end(std::string_view line) {
    const Json json = parse_object(line);
    const Json* inside = Reader(json).child("export_end");
    if (inside == nullptr) {
        malformed("export_end is missing");
    }
    const Reader reader(*inside);
    ExportEnd end;
    end.batches = reader.number("batches", 0);
    end.rows = reader.number("rows", 0);
    end.last_seq = reader.number("last_seq", 0);
    end.hash = reader.hash("hash");
    end.sha256 = reader.hash("sha256");
    return end;
}

bool is_export_end(std::string_view line) noexcept {
    return line.starts_with(end_begins);
}

}  // namespace tapline::wire
