#include "tests/faults/faulty_disk.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <sqlite3.h>

namespace fs = std::filesystem;

namespace tapline::test {

namespace {

constexpr std::size_t sector_bytes = 512;
constexpr const char* vfs_name = "tapline-faulty";

std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Behind it in memory stands the system's own file.
struct File {
    sqlite3_file base;
    FaultyDisk* disk;
    const char* path;  ///< SQLite keeps the name as long as the file is open; nullptr: not counted
    sqlite3_file* real;
};

File& of(sqlite3_file* file) {
    return *reinterpret_cast<File*>(file);
}

int code_of(FaultyDisk::Verdict verdict, int io_error) {
    return verdict == FaultyDisk::Verdict::full ? SQLITE_FULL : io_error;
}

int close(sqlite3_file* file) {
    return of(file).real->pMethods->xClose(of(file).real);
}

int read(sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset) {
    auto& self = of(file);
    if (self.path != nullptr) {
        const auto verdict = self.disk->judge(FaultyDisk::Operation::read, false);
        if (verdict != FaultyDisk::Verdict::works) {
            return SQLITE_IOERR_READ;
        }
    }
    return self.real->pMethods->xRead(self.real, bytes, count, offset);
}

sqlite3_int64 size_of(File& self) {
    sqlite3_int64 size = 0;
    self.real->pMethods->xFileSize(self.real, &size);
    return size;
}

int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
    auto& self = of(file);
    if (self.path == nullptr) {
        return self.real->pMethods->xWrite(self.real, bytes, count, offset);
    }
    const bool was_off = self.disk->reached();
    const bool grows = offset + count > size_of(self);
    const auto verdict = self.disk->judge(FaultyDisk::Operation::write, grows);
    std::string data(static_cast<const char*>(bytes), static_cast<std::size_t>(count));
    if (verdict == FaultyDisk::Verdict::off && !was_off) {
        self.disk->written(self.path, offset, std::move(data));  // torn: power_up() decides
    }
    if (verdict != FaultyDisk::Verdict::works) {
        return code_of(verdict, SQLITE_IOERR_WRITE);
    }
    const int result = self.real->pMethods->xWrite(self.real, bytes, count, offset);
    if (result == SQLITE_OK) {
        self.disk->written(self.path, offset, std::move(data));
    }
    return result;
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
    auto& self = of(file);
    if (self.path != nullptr) {
        const auto verdict = self.disk->judge(FaultyDisk::Operation::truncate, false);
        if (verdict != FaultyDisk::Verdict::works) {
            return SQLITE_IOERR_TRUNCATE;
        }
        self.disk->truncated(self.path, size);
    }
    return self.real->pMethods->xTruncate(self.real, size);
}

int sync(sqlite3_file* file, int flags) {
    auto& self = of(file);
    if (self.path == nullptr) {
        return self.real->pMethods->xSync(self.real, flags);
    }
    const auto verdict = self.disk->judge(FaultyDisk::Operation::sync, false);
    if (verdict != FaultyDisk::Verdict::works) {
        return SQLITE_IOERR_FSYNC;
    }
    // The card is ours to imagine; a real fsync would only take time.
    self.disk->synced(self.path);
    return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
    return of(file).real->pMethods->xFileSize(of(file).real, size);
}

int lock(sqlite3_file* file, int level) {
    return of(file).real->pMethods->xLock(of(file).real, level);
}

int unlock(sqlite3_file* file, int level) {
    return of(file).real->pMethods->xUnlock(of(file).real, level);
}

int check_reserved_lock(sqlite3_file* file, int* result) {
    return of(file).real->pMethods->xCheckReservedLock(of(file).real, result);
}

int file_control(sqlite3_file* file, int operation, void* argument) {
    return of(file).real->pMethods->xFileControl(of(file).real, operation, argument);
}

int sector_size(sqlite3_file* file) {
    return of(file).real->pMethods->xSectorSize(of(file).real);
}

int device_characteristics(sqlite3_file* file) {
    return of(file).real->pMethods->xDeviceCharacteristics(of(file).real);
}

int shm_map(sqlite3_file* file, int region, int bytes, int extend, volatile void** memory) {
    return of(file).real->pMethods->xShmMap(of(file).real, region, bytes, extend, memory);
}

int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
    return of(file).real->pMethods->xShmLock(of(file).real, offset, count, flags);
}

void shm_barrier(sqlite3_file* file) {
    of(file).real->pMethods->xShmBarrier(of(file).real);
}

int shm_unmap(sqlite3_file* file, int remove) {
    return of(file).real->pMethods->xShmUnmap(of(file).real, remove);
}

// Version 2: no memory-mapped reading, which our connections don't use either.
const sqlite3_io_methods methods{
    2,
    close,
    read,
    write,
    truncate,
    sync,
    file_size,
    lock,
    unlock,
    check_reserved_lock,
    file_control,
    sector_size,
    device_characteristics,
    shm_map,
    shm_lock,
    shm_barrier,
    shm_unmap,
    nullptr,
    nullptr};

}  // namespace

const char* name_of(Fault fault) noexcept {
    switch (fault) {
        case Fault::none:
            return "none";
        case Fault::io_error_once:
            return "EIO once";
        case Fault::io_error_from:
            return "EIO from then on";
        case Fault::full_from:
            return "disk full";
        case Fault::power_cut:
            return "power cut";
    }
    return "?";
}

struct FaultyDisk::Vfs {
    sqlite3_vfs vfs{};
    sqlite3_vfs* system = nullptr;
    FaultyDisk* disk = nullptr;

    static Vfs& of(sqlite3_vfs* vfs) { return *static_cast<Vfs*>(vfs->pAppData); }

    static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
        auto& self = of(vfs);
        file->pMethods = nullptr;
        const bool counted = path != nullptr && self.disk->counts(path);
        const bool creates = counted && (flags & SQLITE_OPEN_CREATE) != 0 && !fs::exists(path);
        if (creates && self.disk->judge(Operation::create, true) != Verdict::works) {
            return SQLITE_CANTOPEN;
        }
        auto& mine = test::of(file);
        mine.disk = self.disk;
        mine.path = counted ? path : nullptr;
        mine.real = reinterpret_cast<sqlite3_file*>(&mine + 1);
        const int result = self.system->xOpen(self.system, path, mine.real, flags, out);
        if (mine.real->pMethods != nullptr) {
            file->pMethods = &methods;
        }
        return result;
    }

    static int remove(sqlite3_vfs* vfs, const char* path, int sync_directory) {
        auto& self = of(vfs);
        if (self.disk->counts(path)) {
            if (self.disk->judge(Operation::remove, false) != Verdict::works) {
                return SQLITE_IOERR_DELETE;
            }
            self.disk->removed(path);
        }
        return self.system->xDelete(self.system, path, sync_directory);
    }
};

FaultyDisk::FaultyDisk(const fs::path& prefix)
    : prefix_(prefix.string()), vfs_(std::make_unique<Vfs>()) {
    vfs_->system = sqlite3_vfs_find(nullptr);
    vfs_->disk = this;
    vfs_->vfs = *vfs_->system;
    vfs_->vfs.zName = vfs_name;
    vfs_->vfs.pNext = nullptr;
    vfs_->vfs.pAppData = vfs_.get();
    vfs_->vfs.szOsFile = static_cast<int>(sizeof(File)) + vfs_->system->szOsFile;
    vfs_->vfs.xOpen = Vfs::open;
    vfs_->vfs.xDelete = Vfs::remove;
    // The rest takes a vfs of its own kind; these don't look at it.
    if (sqlite3_vfs_register(&vfs_->vfs, 1) != SQLITE_OK) {
        throw std::runtime_error("the VFS can't be registered");
    }
}

FaultyDisk::~FaultyDisk() {
    sqlite3_vfs_unregister(&vfs_->vfs);
    sqlite3_vfs_register(vfs_->system, 1);
}

void FaultyDisk::arm(Fault fault, std::int64_t n, std::uint32_t seed) {
    fault_ = fault;
    n_ = n;
    operations_ = 0;
    reached_ = false;
    dice_.seed(seed);
    files_.clear();
    for (const auto& entry : fs::directory_iterator(fs::path(prefix_).parent_path())) {
        const auto path = entry.path().string();
        if (entry.is_regular_file() && counts(path.c_str())) {
            files_[path].durable = read_file(path);
        }
    }
}

void FaultyDisk::disarm() {
    fault_ = Fault::none;
}

bool FaultyDisk::counts(const char* path) const {
    const std::string_view name(path);
    return name.starts_with(prefix_) && !name.ends_with("-shm") && !name.ends_with(".lock");
}

FaultyDisk::Verdict FaultyDisk::judge(Operation operation, bool grows) {
    ++operations_;
    if (fault_ == Fault::none || operations_ < n_) {
        return Verdict::works;
    }
    switch (fault_) {
        case Fault::none:
            return Verdict::works;
        case Fault::io_error_once:
            reached_ = true;
            return operations_ == n_ ? Verdict::io_error : Verdict::works;
        case Fault::io_error_from:
            reached_ = true;
            return Verdict::io_error;
        case Fault::full_from: {
            const bool fails =
                grows && (operation == Operation::write || operation == Operation::create);
            reached_ = reached_ || fails;
            return fails ? Verdict::full : Verdict::works;
        }
        case Fault::power_cut:
            reached_ = true;
            return Verdict::off;
    }
    return Verdict::works;
}

void FaultyDisk::written(const std::string& path, std::int64_t offset, std::string bytes) {
    files_[path].pending.push_back({offset, std::move(bytes)});
}

void FaultyDisk::truncated(const std::string& path, std::int64_t size) {
    files_[path].pending.push_back({size, std::nullopt});
}

void FaultyDisk::synced(const std::string& path) {
    auto& file = files_[path];
    std::string image = file.durable.value_or("");
    for (const auto& pending : file.pending) {
        apply(image, pending);
    }
    file.durable = std::move(image);
    file.pending.clear();
}

void FaultyDisk::removed(const std::string& path) {
    files_.erase(path);
}

void FaultyDisk::apply(std::string& image, const Pending& pending) {
    const auto offset = static_cast<std::size_t>(pending.offset);
    if (!pending.bytes) {
        image.resize(offset);
        return;
    }
    image.resize(std::max(image.size(), offset + pending.bytes->size()));
    image.replace(offset, pending.bytes->size(), *pending.bytes);
}

std::string FaultyDisk::survivor(const File& file) {
    std::string image = file.durable.value_or("");
    auto writes = file.pending;
    std::shuffle(writes.begin(), writes.end(), dice_);
    for (const auto& pending : writes) {
        const auto fate = dice_() % 4;  // none of it, all of it, or sectors of it
        if (fate == 0) {
            continue;
        }
        if (!pending.bytes || fate == 1) {
            apply(image, pending);
            continue;
        }
        for (std::size_t at = 0; at < pending.bytes->size(); at += sector_bytes) {
            if (dice_() % 2 == 0) {
                apply(
                    image,
                    {pending.offset + static_cast<std::int64_t>(at),
                     pending.bytes->substr(at, sector_bytes)}
                );
            }
        }
    }
    return image;
}

void FaultyDisk::power_up() {
    fault_ = Fault::none;
    std::error_code absent;
    for (const auto& [path, file] : files_) {
        if (!file.durable && dice_() % 2 == 0) {
            fs::remove(path, absent);
            continue;
        }
        std::ofstream(path, std::ios::binary | std::ios::trunc) << survivor(file);
    }
    fs::remove(prefix_ + "-shm", absent);
}

}  // namespace tapline::test
