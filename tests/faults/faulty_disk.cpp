#include "tests/faults/faulty_disk.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace fs = std::filesystem;

namespace tapline::test {

namespace {

constexpr std::size_t sector_bytes = 512;

std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

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
        case Fault::torn_write:
            return "torn write";
    }
    return "?";
}

void FaultyCard::arm(Fault fault, std::int64_t n, std::uint32_t seed) {
    fault_ = fault;
    n_ = n;
    operations_ = 0;
    reached_ = false;
    off_ = false;
    dice_.seed(seed);
    files_.clear();
    for (const auto& entry : fs::directory_iterator(fs::path(prefix_).parent_path())) {
        const auto path = entry.path().string();
        if (entry.is_regular_file() && counts(path.c_str())) {
            files_[path].durable = read_file(path);
        }
    }
}

void FaultyCard::strike(Fault fault, std::int64_t n) {
    fault_ = fault;
    n_ = operations_ + n;
    reached_ = false;
}

void FaultyCard::disarm() {
    fault_ = Fault::none;
}

bool FaultyCard::counts(const char* path) const {
    const std::string_view name(path);
    return name.starts_with(prefix_) && !name.ends_with("-shm") && !name.ends_with(".lock");
}

Disk::Verdict FaultyCard::judge(Operation operation, bool grows) {
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
            off_ = true;
            return Verdict::off;
        case Fault::torn_write:
            if (operation != Operation::write || reached_) {
                return Verdict::works;
            }
            reached_ = true;
            return Verdict::torn;
    }
    return Verdict::works;
}

void FaultyCard::written(const std::string& path, std::int64_t offset, std::string bytes) {
    files_[path].pending.push_back({offset, std::move(bytes)});
}

void FaultyCard::truncated(const std::string& path, std::int64_t size) {
    files_[path].pending.push_back({size, std::nullopt});
}

void FaultyCard::synced(const std::string& path) {
    auto& file = files_[path];
    if (!file.durable) {
        file.durable.emplace();
    }
    for (const auto& pending : file.pending) {
        apply(*file.durable, pending);
    }
    file.pending.clear();
}

void FaultyCard::removed(const std::string& path) {
    files_.erase(path);
}

void FaultyCard::apply(std::string& image, const Pending& pending) {
    const auto offset = static_cast<std::size_t>(pending.offset);
    if (!pending.bytes) {
        image.resize(offset);
        return;
    }
    image.resize(std::max(image.size(), offset + pending.bytes->size()));
    image.replace(offset, pending.bytes->size(), *pending.bytes);
}

std::string FaultyCard::survivor(const File& file) {
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

void FaultyCard::power_up() {
    fault_ = Fault::none;
    off_ = false;
    std::error_code absent;
    for (auto at = files_.begin(); at != files_.end();) {
        auto& [path, file] = *at;
        if (!file.durable && dice_() % 2 == 0) {
            fs::remove(path, absent);
            at = files_.erase(at);
            continue;
        }
        file.durable = survivor(file);
        file.pending.clear();
        std::ofstream(path, std::ios::binary | std::ios::trunc) << *file.durable;
        ++at;
    }
    fs::remove(prefix_ + "-shm", absent);
}

}  // namespace tapline::test
