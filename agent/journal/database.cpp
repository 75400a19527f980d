#include "agent/journal/database.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <variant>

#include <sys/statvfs.h>
#include <unistd.h>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/connection.hpp"
#include "agent/journal/disk_use.hpp"
#include "agent/journal/mount.hpp"
#include "agent/journal/wal_file.hpp"
#include "common/error.hpp"

namespace tapline::journal {

namespace {

// Of the wal-index, in words of 32 bits and the machine's own order.
constexpr int wal_index_block_bytes = 32768;
constexpr std::size_t wal_index_frames = 4;   // mxFrame
constexpr std::size_t wal_index_copied = 24;  // nBackfill

/// Virtual machine steps between two looks at the clock; about 0.1 ms on a Pi Zero.
constexpr int progress_steps = 1000;

// legacy_alter_table: a table that is rebuilt is renamed out of the way first, and other people's
// foreign keys to it must not follow it (SQLite, ALTER TABLE RENAME).
constexpr std::string_view sql_journal_mode = "PRAGMA journal_mode";
constexpr std::string_view connection_pragmas =
    "PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0; PRAGMA synchronous=NORMAL; "
    "PRAGMA legacy_alter_table=ON;";

}  // namespace

Connection::Connection(const std::filesystem::path& name, int flags, const OpenOptions& options)
    : file(options.shown_as.value_or(name)) {
    const bool memory = name == ":memory:";
    if (!memory && !options.as_empty) {
        refuse_orphaned_wal(name, file);
    }
    try {
        database = std::make_unique<SQLite::Database>(
            name.string(),
            flags,
            static_cast<int>(options.busy_timeout.count()),
            memory ? std::string() : counting_vfs()
        );
    } catch (const SQLite::Exception& error) {
        raise(error);
    }
    sqlite3_db_config(database->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_db_config(
        database->getHandle(), SQLITE_DBCONFIG_RESET_DATABASE, options.as_empty ? 1 : 0, nullptr
    );
    sqlite3_extended_result_codes(database->getHandle(), 1);
}

/// SQLite says the same of a card that died, a mount that is missing and a wrong owner.
Error no_access(const std::filesystem::path& file, const std::string& what) {
    struct statvfs system {};

    if (::statvfs(file.parent_path().c_str(), &system) != 0) {
        return Error(
            ErrorKind::refused,
            "no_directory",
            what + fmt::format(" ({}: {})", file.parent_path().string(), std::strerror(errno)),
            "Is the card or stick mounted that it is on? See findmnt and ls -l."
        );
    }
    if (is_read_only(file.parent_path())) {
        return read_only_error(what, "its file system can't be written");
    }
    return Error(
        ErrorKind::refused,
        "cannot_open",
        what,
        "The file, its -wal and -shm and the directory must belong to the user of the tap's "
        "program: see ls -l."
    );
}

void Connection::raise(const SQLite::Exception& error) const {
    const auto what = fmt::format("{}: {}", file.string(), error.what());
    switch (error.getErrorCode() & 0xFF) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            throw Error(
                ErrorKind::storage_busy,
                "busy",
                what,
                "Somebody else writes; try again in a moment."
            );
        case SQLITE_INTERRUPT:
            throw Error(
                ErrorKind::storage_busy,
                "deadline",
                what,
                "It was rolled back; nothing has changed."
            );
        case SQLITE_FULL:
            throw Error(
                ErrorKind::storage_full,
                "disk_full",
                what,
                "Make room on the disk: see df and `tapline-agent status`."
            );
        case SQLITE_CORRUPT:
            throw Error(
                ErrorKind::storage_corrupt,
                "damaged",
                what,
                "The running agent salvages it by itself, or: `tapline-agent journal salvage`."
            );
        case SQLITE_NOTADB:
            throw Error(
                ErrorKind::storage_corrupt,
                "not_a_database",
                what,
                "Check the path: this is not an SQLite file."
            );
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            throw no_access(file, what);
        case SQLITE_CONSTRAINT:
            throw Error(
                ErrorKind::data,
                "constraint",
                what,
                "A rule of the table forbids it; nothing has changed."
            );
        case SQLITE_IOERR:
            if (::access(file.parent_path().c_str(), W_OK) != 0 && errno == EROFS) {
                throw no_access(file, what);
            }
            throw Error(
                ErrorKind::storage,
                "io_error",
                what,
                "The disk failed to answer: see dmesg; an SD card may be dying."
            );
        default:
            throw Error(
                ErrorKind::storage, "sqlite", what, "Run `tapline-agent journal check` on the file."
            );
    }
}

Statement::Statement(std::shared_ptr<Connection> connection, std::string_view sql)
    : connection_(std::move(connection)) {
    try {
        statement_ = std::make_unique<SQLite::Statement>(*connection_->database, std::string(sql));
    } catch (const SQLite::Exception& error) {
        connection_->raise(error);
    }
}

Statement::~Statement() = default;
Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&&) noexcept = default;

Statement& Statement::bind(int place, std::int64_t value) {
    try {
        statement_->bind(place, value);
    } catch (const SQLite::Exception& error) {
        connection_->raise(error);
    }
    return *this;
}

Statement& Statement::bind(int place, std::string_view text) {
    try {
        statement_->bind(place, std::string(text));
    } catch (const SQLite::Exception& error) {
        connection_->raise(error);
    }
    return *this;
}

Statement& Statement::bind(int place, const Blob& blob) {
    try {
        statement_->bind(
            place, static_cast<const void*>(blob.bytes.data()), static_cast<int>(blob.bytes.size())
        );
    } catch (const SQLite::Exception& error) {
        connection_->raise(error);
    }
    return *this;
}

Statement& Statement::bind(int place, const Value& value) {
    if (const auto* whole = std::get_if<std::int64_t>(&value)) {
        return bind(place, *whole);
    }
    if (const auto* text = std::get_if<Text>(&value)) {
        return bind(place, std::string_view(text->bytes));
    }
    if (const auto* blob = std::get_if<Blob>(&value)) {
        return bind(place, *blob);
    }
    try {
        if (const auto* real = std::get_if<double>(&value)) {
            statement_->bind(place, *real);
        } else {
            statement_->bind(place);
        }
    } catch (const SQLite::Exception& error) {
        connection_->raise(error);
    }
    return *this;
}

bool Statement::step() {
    try {
        return statement_->executeStep();
    } catch (const SQLite::Exception& error) {
        statement_->tryReset();
        connection_->raise(error);
    }
}

std::int64_t Statement::run() {
    const ResetAtExit at_exit(*this);
    while (step()) {
    }
    return sqlite3_changes(connection_->database->getHandle());
}

void Statement::reset() noexcept {
    statement_->tryReset();
}

std::int64_t Statement::integer(int column) const {
    return statement_->getColumn(column).getInt64();
}

std::string Statement::text(int column) const {
    return statement_->getColumn(column).getString();
}

bool Statement::is_null(int column) const {
    return statement_->isColumnNull(column);
}

Value Statement::value(int column) const {
    const auto cell = statement_->getColumn(column);
    switch (cell.getType()) {
        case SQLITE_INTEGER:
            return cell.getInt64();
        case SQLITE_FLOAT:
            return cell.getDouble();
        case SQLITE_TEXT:
            return Text{cell.getString()};
        case SQLITE_BLOB:
            return Blob{cell.getString()};
        default:
            return std::monostate{};
    }
}

Database::Database(const std::filesystem::path& file, const OpenOptions& options) {
    const int flags = SQLite::OPEN_READWRITE | (options.create ? SQLite::OPEN_CREATE : 0);
    connection_ = std::make_shared<Connection>(file, flags, options);
    exec(connection_pragmas);
}

Database Database::scratch() {
    Database database;
    database.connection_ = std::make_shared<Connection>(
        ":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, OpenOptions{}
    );
    return database;
}

Database::~Database() = default;
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;

void Database::exec(std::string_view sql) {
    try {
        connection_->database->exec(std::string(sql));
    } catch (const SQLite::Exception& error) {
        connection_->raise(error);
    }
}

Statement Database::prepare(std::string_view sql) {
    return Statement(connection_, sql);
}

std::int64_t Database::integer(std::string_view sql) {
    auto statement = prepare(sql);
    return statement.step() ? statement.integer(0) : 0;
}

std::string Database::text(std::string_view sql) {
    auto statement = prepare(sql);
    return statement.step() ? statement.text(0) : std::string{};
}

bool Database::in_transaction() const noexcept {
    return sqlite3_get_autocommit(connection_->database->getHandle()) == 0;
}

sqlite3* Database::handle() const noexcept {
    return connection_->database->getHandle();
}

const std::filesystem::path& Database::file() const noexcept {
    return connection_->file;
}

void Database::set_deadline(std::optional<std::chrono::steady_clock::time_point> deadline) {
    connection_->deadline = deadline;
    auto* const handle = connection_->database->getHandle();
    if (!deadline) {
        sqlite3_progress_handler(handle, 0, nullptr, nullptr);
        return;
    }
    const auto overdue = [](void* context) {
        const auto& connection = *static_cast<const Connection*>(context);
        return connection.deadline && std::chrono::steady_clock::now() > *connection.deadline ? 1
                                                                                              : 0;
    };
    sqlite3_progress_handler(handle, progress_steps, overdue, connection_.get());
}

void Database::interrupt() noexcept {
    sqlite3_interrupt(connection_->database->getHandle());
}

void Database::set_busy_timeout(std::chrono::milliseconds timeout) {
    sqlite3_busy_timeout(connection_->database->getHandle(), static_cast<int>(timeout.count()));
}

std::optional<Database::WalState> Database::checkpoint_passive() {
    int pages = 0;
    int copied = 0;
    auto* const handle = connection_->database->getHandle();
    const int code =
        sqlite3_wal_checkpoint_v2(handle, nullptr, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
    if ((code & 0xFF) == SQLITE_BUSY) {
        return std::nullopt;
    }
    if (code != SQLITE_OK) {
        connection_->raise(SQLite::Exception(handle, code));
    }
    return WalState{std::max(pages, 0), std::max(copied, 0)};
}

std::optional<Database::WalState> Database::wal_index() {
    // Of a file in another mode xShmMap would make a -shm that nobody closes again.
    if (text(sql_journal_mode) != "wal") {
        return std::nullopt;
    }
    sqlite3_file* file = nullptr;
    auto* const handle = connection_->database->getHandle();
    if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        file == nullptr || file->pMethods == nullptr || file->pMethods->iVersion < 2) {
        return std::nullopt;
    }
    // SQLite has mapped it already; this only tells where.
    volatile void* memory = nullptr;
    if (file->pMethods->xShmMap(file, 0, wal_index_block_bytes, 0, &memory) != SQLITE_OK ||
        memory == nullptr) {
        return std::nullopt;
    }
    const auto* const words = static_cast<const volatile std::uint32_t*>(memory);
    return WalState{words[wal_index_frames], words[wal_index_copied]};
}

std::chrono::milliseconds Database::longest_lock() const noexcept {
    return connection_->longest_lock;
}

std::chrono::milliseconds Database::last_lock() const noexcept {
    return connection_->last_lock;
}

void Database::note_lock(std::chrono::steady_clock::time_point since) noexcept {
    const auto held =
        std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - since);
    connection_->last_lock = held;
    connection_->longest_lock = std::max(connection_->longest_lock, held);
}

Transaction::Transaction(Database& database) : database_(database) {
    database_.exec("BEGIN IMMEDIATE");
    locked_at_ = std::chrono::steady_clock::now();
}

Transaction::~Transaction() {
    if (done_) {
        return;
    }
    if (!database_.in_transaction()) {  // SQLite rolled it back by itself
        database_.note_lock(locked_at_);
        return;
    }
    try {
        database_.set_deadline(std::nullopt);
        database_.exec("ROLLBACK");
        database_.note_lock(locked_at_);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): closing the connection rolls back too
    }
}

void Transaction::commit() {
    database_.exec("COMMIT");
    database_.note_lock(locked_at_);
    done_ = true;
}

namespace {

std::string quote(std::string_view text, char mark) {
    std::string quoted(1, mark);
    for (const char c : text) {
        quoted.push_back(c);
        if (c == mark) {
            quoted.push_back(c);
        }
    }
    quoted.push_back(mark);
    return quoted;
}

}  // namespace

std::string quote_name(std::string_view name) {
    return quote(name, '"');
}

std::string quote_text(std::string_view text) {
    return quote(text, '\'');
}

}  // namespace tapline::journal
