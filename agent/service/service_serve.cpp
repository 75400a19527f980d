// What the agent serves, and by which settings: the first ones and those of each SIGHUP.
#include <algorithm>
#include <filesystem>
#include <random>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "agent/journal/identity.hpp"
#include "agent/service/mending.hpp"
#include "agent/service/raising.hpp"
#include "agent/service/service.hpp"
#include "common/error.hpp"
#include "common/log.hpp"
#include "common/version.hpp"

namespace asio = boost::asio;

namespace tapline::service {

namespace {

/// What every syncer is made of: with another of these it is made anew.
bool same_service(const Settings& left, const Settings& right) {
    return left.central == right.central && left.name == right.name &&
           left.custody == right.custody && left.keep_pours == right.keep_pours &&
           left.backoff.base == right.backoff.base && left.backoff.cap == right.backoff.cap &&
           left.backoff.first_spread == right.backoff.first_spread;
}

bool same_certificate(const Trust* left, const Trust* right) {
    if (left == nullptr || right == nullptr) {
        return left == right;
    }
    const auto& old = left->renewer.identity();
    const auto& fresh = right->renewer.identity();
    return old.name == fresh.name && old.not_before == fresh.not_before &&
           old.not_after == fresh.not_after;
}

}  // namespace

/// Everything that can be wrong with the new settings is found before anything of the old is
/// touched.
void Service::reload() {
    if (stopping_) {
        return;
    }
    notifier_.reloading();
    reloading_ = true;
    std::optional<Error> failure;
    try {
        take(load_());
    } catch (const Error& caught) {
        failure = caught;
    }
    refusal_ = failure ? printable(failure->what()) : std::string();
    if (failure) {
        spdlog::error(
            "reload: {} ({}); the old settings stay in use", refusal_, printable(failure->hint())
        );
    }
    converge();
    write_status();
}

void Service::take(Settings fresh) {
    auto trust = find_trust(fresh, clock_);
    const bool same_place =
        fresh.central == settings_.central && fresh.state_dir == settings_.state_dir;
    const bool same_trust = same_place && same_certificate(trust_.get(), trust.get());
    if (!same_trust) {
        next_trust_ = std::move(trust);
    }
    if (!same_trust || !same_service(fresh, settings_)) {
        ++generation_;
    }
    if (fresh.status_file != settings_.status_file) {
        spdlog::warn("reload: another status_file counts from the next start on");
    }
    settings_ = std::move(fresh);
    choose_log_level();
    spdlog::info("reload: {} journals, {}", settings_.journals.size(), settings_.central);
}

bool Service::wanted(const Served& served) const {
    const auto& named = settings_.journals;
    return served.generation == generation_ &&
           std::find(named.begin(), named.end(), served.file) != named.end();
}

/// Steps towards the settings as far as it can go now; comes again whenever something has ended.
void Service::converge() {
    if (stopping_) {
        return;
    }
    for (auto& served : served_) {
        if (!wanted(served) && !served.leaving) {
            served.leaving = true;
            served.syncer.stop();
        }
    }
    if (!trust_settled()) {
        return;
    }
    bool complete = true;
    for (const auto& file : settings_.journals) {
        const auto found = std::find_if(served_.begin(), served_.end(), [&](const auto& served) {
            return served.file == file;
        });
        if (found == served_.end()) {
            serve(file);
        } else {
            complete = complete && !found->leaving;
        }
    }
    if (reloading_ && complete) {
        reloading_ = false;
        notifier_.ready();
    }
}

/// A certificate is changed when nobody shows the old one any more.
bool Service::trust_settled() {
    if (!next_trust_) {
        return true;
    }
    if (trust_ && !trust_->ended) {
        trust_->renewer.stop();
        return false;
    }
    if (!served_.empty()) {
        return false;
    }
    trust_ = std::move(*next_trust_);
    next_trust_.reset();
    if (trust_) {
        start_renewing();
    }
    return true;
}

void Service::start_renewing() {
    auto renewing = trust_->renewer.run(trust_->transport, std::string(version));
    asio::co_spawn(io_, std::move(renewing), [this](std::exception_ptr failure) {
        trust_->ended = true;
        ended(failure);
        converge();
    });
}

sync::SyncOptions Service::sync_options(const std::string& file) {
    sync::SyncOptions options;
    options.file = std::filesystem::absolute(file).string();
    options.controller = trust_ ? trust_->renewer.identity().name : settings_.name;
    options.agent_version = version;
    options.fingerprint = journal::hardware_fingerprint();
    options.upkeep.custody.enabled = settings_.custody;
    options.upkeep.keep_pours = settings_.keep_pours;
    options.backoff = settings_.backoff;
    options.seed = std::random_device{}();
    options.first_pause = first_pause_;
    options.raising = raising_of(file, settings_.writer_statements, raising_.get_executor());
    options.mending = mending_of(file, raising_.get_executor());
    if (trust_) {
        options.renewal_wanted = [this] { trust_->renewer.wanted(); };
        options.central_time = [this](std::int64_t utc_ms) { trust_->time.heard(utc_ms); };
    }
    return options;
}

void Service::serve(const std::string& file) {
    const auto central = sync::parse_central_url(settings_.central);
    Served::Wiring wiring{central, {}, storage_.get_executor(), clock_};
    if (trust_) {
        wiring.trust = trust_->for_transport();
    }
    auto& served = served_.emplace_back(file, std::move(wiring), sync_options(file));
    served.generation = generation_;
    served.syncer.on_change([this, &served] { changed(served); });
    asio::post(storage_, [this, &served, file] {
        sync::Watch::Handlers handlers;
        handlers.changed = [&served] { served.syncer.wake(); };
        handlers.swapped = [&served] { served.syncer.swapped(); };
        watch_.add(served.store, file, io_.get_executor(), std::move(handlers));
    });
    asio::co_spawn(io_, served.syncer.run(), [this, &served](std::exception_ptr failure) {
        journal_ended(served, failure);
    });
}

void Service::journal_ended(Served& served, const std::exception_ptr& failure) {
    served.ended = true;
    ended(failure);
    if (served.leaving && !stopping_) {
        remove(served);
    }
}

/// By way of the storage thread: the watch lives there, and what it told before comes first here.
void Service::remove(Served& served) {
    asio::post(storage_, [this, &served] {
        watch_.remove(served.store);
        asio::post(io_, [this, &served] {
            served_.remove_if([&](const Served& other) { return &other == &served; });
            converge();
            write_status();
        });
    });
}

}  // namespace tapline::service
