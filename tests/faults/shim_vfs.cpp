#include "tests/faults/shim_vfs.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <utility>

#include <sqlite3.h>

namespace tapline::test {

namespace {

constexpr const char* vfs_name = "tapline-shim";
constexpr int sector_bytes = 512;
/// Julian day 2440587.5 is 1970-01-01 (https://sqlite.org/c3ref/vfs.html, xCurrentTimeInt64).
constexpr sqlite3_int64 unix_epoch_ms = 210'866'760'000'000;

/// Behind it in memory stands the system's own file.
struct File {
    sqlite3_file base;
    Disk* disk;        ///< nullptr: not counted
    const char* path;  ///< SQLite keeps the name as long as the file is open; nullptr: not counted
    sqlite3_file* real;
};

File& of(sqlite3_file* file) {
    return *reinterpret_cast<File*>(file);
}

int code_of(Disk::Verdict verdict, int io_error) {
    return verdict == Disk::Verdict::full ? SQLITE_FULL : io_error;
}

int close(sqlite3_file* file) {
    return of(file).real->pMethods->xClose(of(file).real);
}

int read(sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset) {
    auto& self = of(file);
    if (self.path != nullptr) {
        const auto verdict = self.disk->judge(Disk::Operation::read, false);
        if (verdict != Disk::Verdict::works) {
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
    const bool was_off = self.disk->is_off();
    const bool grows = offset + count > size_of(self);
    const auto verdict = self.disk->judge(Disk::Operation::write, grows);
    std::string data(static_cast<const char*>(bytes), static_cast<std::size_t>(count));
    if (verdict == Disk::Verdict::off && !was_off) {
        self.disk->written(self.path, offset, std::move(data));  // torn: power_up() decides
    }
    if (verdict == Disk::Verdict::torn) {
        const int done = std::min(count, sector_bytes);
        if (self.real->pMethods->xWrite(self.real, bytes, done, offset) == SQLITE_OK) {
            data.resize(static_cast<std::size_t>(done));
            self.disk->written(self.path, offset, std::move(data));
        }
    }
    if (verdict != Disk::Verdict::works) {
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
        const auto verdict = self.disk->judge(Disk::Operation::truncate, false);
        if (verdict != Disk::Verdict::works) {
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
    const auto verdict = self.disk->judge(Disk::Operation::sync, false);
    if (verdict != Disk::Verdict::works) {
        return SQLITE_IOERR_FSYNC;
    }
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
    auto& self = of(file);
    const bool of_writer =
        self.path != nullptr && offset == 0 && (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    if (of_writer && (flags & SQLITE_SHM_UNLOCK) != 0) {
        self.disk->write_lock(false);
    }
    const int result = self.real->pMethods->xShmLock(self.real, offset, count, flags);
    if (of_writer && result == SQLITE_OK && (flags & SQLITE_SHM_LOCK) != 0) {
        self.disk->write_lock(true);
    }
    return result;
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

struct ShimVfs::Vfs {
    sqlite3_vfs vfs{};
    sqlite3_vfs* system = nullptr;
    Machine* machine = nullptr;

    static Vfs& of(sqlite3_vfs* vfs) { return *static_cast<Vfs*>(vfs->pAppData); }

    static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
        auto& self = of(vfs);
        file->pMethods = nullptr;
        auto* const disk = path == nullptr ? nullptr : self.machine->disk_of(path);
        const bool creates =
            disk != nullptr && (flags & SQLITE_OPEN_CREATE) != 0 && !std::filesystem::exists(path);
        if (creates && disk->judge(Disk::Operation::create, true) != Disk::Verdict::works) {
            return SQLITE_CANTOPEN;
        }
        auto& mine = test::of(file);
        mine.disk = disk;
        mine.path = disk != nullptr ? path : nullptr;
        mine.real = reinterpret_cast<sqlite3_file*>(&mine + 1);
        const int result = self.system->xOpen(self.system, path, mine.real, flags, out);
        if (mine.real->pMethods != nullptr) {
            file->pMethods = &methods;
        }
        return result;
    }

    static int remove(sqlite3_vfs* vfs, const char* path, int sync_directory) {
        auto& self = of(vfs);
        if (auto* const disk = self.machine->disk_of(path)) {
            if (disk->judge(Disk::Operation::remove, false) != Disk::Verdict::works) {
                return SQLITE_IOERR_DELETE;
            }
            disk->removed(path);
        }
        return self.system->xDelete(self.system, path, sync_directory);
    }

    static int current_time(sqlite3_vfs* vfs, sqlite3_int64* time) {
        auto& self = of(vfs);
        const auto now = self.machine->now();
        if (!now) {
            return self.system->xCurrentTimeInt64(self.system, time);
        }
        *time = unix_epoch_ms + now->time_since_epoch().count();
        return SQLITE_OK;
    }

    static int randomness(sqlite3_vfs* vfs, int count, char* bytes) {
        auto& self = of(vfs);
        const auto seed = self.machine->random_seed();
        if (!seed) {
            return self.system->xRandomness(self.system, count, bytes);
        }
        std::mt19937_64 dice(*seed);
        std::generate_n(bytes, count, [&] { return static_cast<char>(dice() & 0xFFU); });
        return count;
    }

    static int sleep(sqlite3_vfs* vfs, int microseconds) {
        auto& self = of(vfs);
        return self.machine->sleeps() ? self.system->xSleep(self.system, microseconds)
                                      : microseconds;
    }
};

ShimVfs::ShimVfs(Machine& machine) : vfs_(std::make_unique<Vfs>()) {
    vfs_->system = sqlite3_vfs_find(nullptr);
    vfs_->machine = &machine;
    vfs_->vfs = *vfs_->system;
    vfs_->vfs.zName = vfs_name;
    vfs_->vfs.pNext = nullptr;
    vfs_->vfs.pAppData = vfs_.get();
    vfs_->vfs.szOsFile = static_cast<int>(sizeof(File)) + vfs_->system->szOsFile;
    vfs_->vfs.xOpen = Vfs::open;
    vfs_->vfs.xDelete = Vfs::remove;
    vfs_->vfs.xCurrentTimeInt64 = Vfs::current_time;
    vfs_->vfs.xRandomness = Vfs::randomness;
    vfs_->vfs.xSleep = Vfs::sleep;
    // The rest takes a vfs of its own kind; these don't look at it.
    if (sqlite3_vfs_register(&vfs_->vfs, 1) != SQLITE_OK) {
        throw std::runtime_error("the VFS can't be registered");
    }
    sqlite3_randomness(0, nullptr);  // it asks for a seed again
}

ShimVfs::~ShimVfs() {
    sqlite3_vfs_unregister(&vfs_->vfs);
    sqlite3_vfs_register(vfs_->system, 1);
    sqlite3_randomness(0, nullptr);
}

}  // namespace tapline::test
