// The messages of wire version 1, and the one codec that both ends use (docs/wire.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/pour.hpp"
#include "common/row_hash.hpp"

namespace tapline::wire {

inline constexpr int protocol_version = 1;

inline constexpr std::size_t max_batch_rows = 500;
inline constexpr std::size_t max_batch_bytes =
    std::size_t{256} * 1024;  ///< of JSON; one larger row goes alone, cut
inline constexpr std::size_t max_body_bytes =
    std::size_t{1024} * 1024;                         ///< what central reads at all
inline constexpr std::size_t max_answer_items = 500;  ///< quarantined and released, each
inline constexpr std::size_t max_absent_ranges = 1000;
inline constexpr std::size_t max_chain_points = 256;

/// Which device wrote when, as far as its clock tells: a Pi has no RTC. Rows with
/// seq >= first_seq (up to the next boot's first_seq) were written in this boot.
struct ClockStep {
    Seq after_seq = 0;          ///< rows up to this one were written before the step
    std::int64_t delta_ms = 0;  ///< what was added to the clock
    bool operator==(const ClockStep&) const = default;
};

struct Boot {
    std::string boot_id;
    Seq first_seq = 0;
    bool synchronized = false;     ///< the kernel said so (adjtimex) at the end of what we know
    std::vector<ClockStep> steps;  ///< at most 32; older ones are added up into the first
    bool operator==(const Boot&) const = default;
};

struct ClockSample {
    std::int64_t utc_ms = 0;  ///< the device's clock when the request was made
    std::string boot_id;
    bool operator==(const ClockSample&) const = default;
};

struct Hello {
    int protocol_min = protocol_version;
    int protocol_max = protocol_version;
    std::string agent_version;
    std::string controller;  ///< the device's name; a certificate replaces it
    std::string journal_id;  ///< UUID, lower case
    std::int64_t epoch = 1;
    std::string revision;  ///< the journal's revision now
    std::string oldest_unacked_revision;
    std::string fingerprint;  ///< of the hardware: reported, never the identity
    Seq acked_through = 0;
    RowHash acked_hash{};  ///< the agent's chain at acked_through
    Seq max_seq = 0;
    std::int64_t depth = 0;  ///< pours not acked
    std::int64_t free_bytes = 0;
    std::int64_t released_through = 0;  ///< id of the last release the agent has written down
    ClockSample clock;
    std::vector<std::string> capabilities;
};

struct Directives {
    bool hold = false;
    std::string hold_reason;
    std::int64_t heartbeat_s = 60;
    bool operator==(const Directives&) const = default;
};

/// A quarantined pour of this journal that has left the quarantine since.
struct Released {
    std::int64_t id = 0;  ///< ascending per journal
    Seq seq = 0;
    std::string outcome;  ///< "settled" or "dismissed"
    bool operator==(const Released&) const = default;
};

struct HelloReply {
    int protocol = protocol_version;
    std::string central_revision;  ///< of the lineage `tapline`
    Seq cursor = 0;
    RowHash hash_at_cursor{};
    Seq prunable_through = 0;
    std::int64_t batch_rows = max_batch_rows;
    std::int64_t batch_bytes = max_batch_bytes;
    std::int64_t server_utc_ms = 0;
    /// The journal revision below which central settles nothing any more; empty: none is fixed.
    std::string journal_minimum;
    std::vector<Released> released;
    Directives directives;
};

struct AbsentRange {
    Seq first = 0;
    Seq last = 0;
    bool operator==(const AbsentRange&) const = default;
};

/// One request, one answer, one transaction; never across a revision of the journal.
struct Batch {
    std::string journal_id;  ///< from the path
    std::int64_t epoch = 1;  ///< from the path
    std::string revision;
    Seq first_seq = 0;  ///< what the agent believes is cursor + 1; the row itself may be absent
    Seq last_seq = 0;   ///< seq of the last row
    RowHash prev_hash{};
    RowHash hash{};  ///< the chain at last_seq
    std::vector<RawPour> rows;
    std::vector<AbsentRange> absent;  ///< seqs of first_seq..last_seq that hold no row
    /// A row over the byte limit goes alone with its long values cut; `hash` covers the whole row,
    /// so central takes it on trust and keeps the row in quarantine as row_too_large.
    bool truncated = false;
    std::vector<Boot> boots;
    ClockSample clock;
    std::int64_t released_through = 0;
};

struct Quarantined {
    Seq seq = 0;
    std::string code;
    std::string detail;
    bool operator==(const Quarantined&) const = default;
};

struct Ack {
    Seq acked_through = 0;
    std::vector<Quarantined> quarantined;
    std::vector<Released> released;
    Seq prunable_through = 0;
    Directives directives;
};

/// RFC 9457. `action` tells the agent what to do: retry, hold, resync, fork, split, upgrade, renew,
/// wait.
struct Problem {
    int status = 500;
    std::string code;
    std::string title;
    std::string detail;
    std::string action;
    std::optional<std::chrono::seconds> retry_after;
    std::optional<Seq> expected_seq;  ///< with code "gap"
    // With a refused hello, as its reply would tell them: an agent may raise its journal by them.
    std::string central_revision;
    std::string journal_minimum;
};

/// A place in a journal's chain.
struct ChainPoint {
    Seq seq = 0;
    RowHash hash{};
    bool operator==(const ChainPoint&) const = default;
};

/// `POST /v1/journals/{id}/epochs`: this journal and central tell different histories; where may
/// mine go on?
struct EpochRequest {
    std::int64_t epoch = 1;   ///< the journal's own
    Seq last_common_seq = 0;  ///< what this file knows as acked: surely common if central has it
    RowHash hash{};           ///< the journal's chain there
    std::vector<ChainPoint> points;  ///< more places of the same chain, ascending
    Seq max_seq = 0;
    std::int64_t depth = 0;
    std::string fingerprint;
    std::string reason;  ///< fork, restored or salvage
    ClockSample clock;
};

struct EpochGrant {
    std::int64_t epoch = 0;
    Seq cursor = 0;  ///< pours up to here are settled; the chain goes on from there
    RowHash hash{};  ///< the asker's own chain at cursor
    Seq prunable_through = 0;
};

/// `POST /v1/enroll`: the code of a token, and a request whose key was made on the device.
struct EnrollRequest {
    std::string code;
    std::string csr;  ///< PKCS #10 as PEM
    std::string agent_version;
};

/// `POST /v1/renew`, over a connection with the certificate that is to be renewed.
struct RenewRequest {
    std::string csr;  ///< signed by the same key
};

/// The answer to both.
struct Enrolled {
    std::string name;
    std::string certificate;  ///< PEM
    std::string roots;        ///< PEM; who signs central's certificate from now on
    std::vector<std::int64_t> taps;
    std::int64_t server_utc_ms = 0;
};

/// Encoders never fail: every value SQLite can hold has a form (docs/wire.md, Values).
[[nodiscard]] std::string encode(const Hello& hello);
[[nodiscard]] std::string encode(const HelloReply& reply);
[[nodiscard]] std::string encode(const Batch& batch);
[[nodiscard]] std::string encode(const Ack& ack);
[[nodiscard]] std::string encode(const Problem& problem);
[[nodiscard]] std::string encode(const EnrollRequest& request);
[[nodiscard]] std::string encode(const RenewRequest& request);
[[nodiscard]] std::string encode(const Enrolled& enrolled);
[[nodiscard]] std::string encode(const EpochRequest& request);
[[nodiscard]] std::string encode(const EpochGrant& grant);

/// Decoders throw Error{protocol, "malformed"}: truncated JSON, a missing or mistyped member, too
/// many items, nesting deeper than 8. Unknown members are ignored.
[[nodiscard]] Hello decode_hello(std::string_view json);
[[nodiscard]] HelloReply decode_hello_reply(std::string_view json);
[[nodiscard]] Batch decode_batch(std::string_view json);
[[nodiscard]] Ack decode_ack(std::string_view json);
[[nodiscard]] EnrollRequest decode_enroll_request(std::string_view json);
[[nodiscard]] RenewRequest decode_renew_request(std::string_view json);
[[nodiscard]] Enrolled decode_enrolled(std::string_view json);
[[nodiscard]] EpochRequest decode_epoch_request(std::string_view json);
[[nodiscard]] EpochGrant decode_epoch_grant(std::string_view json);
/// Never throws: a proxy's HTML page becomes a Problem with that status and code "not_tapline".
[[nodiscard]] Problem decode_problem(int status, std::string_view body);

/// The JSON text of one row as it stands in a batch: the raw evidence in quarantine and receipts.
[[nodiscard]] std::string encode_row(const RawPour& row);
[[nodiscard]] RawPour decode_row(std::string_view json);
/// Bytes that encode_row would give, without making them; used to fill a batch up to its limit.
[[nodiscard]] std::size_t encoded_size_bound(const RawPour& row) noexcept;

}  // namespace tapline::wire
