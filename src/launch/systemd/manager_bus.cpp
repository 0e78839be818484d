// SPDX-License-Identifier: Apache-2.0
#include "launch/systemd/manager_bus.hpp"

#include "base/guard.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace pm::launch {
namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr std::uint64_t kCallTimeoutUsec = 90'000'000;
constexpr std::size_t kMostUnanswered = 96;
constexpr std::size_t kMostJobs = 128; ///< of 512 match rules, which others need too
constexpr std::chrono::milliseconds kFirstReopen{100};
constexpr std::chrono::milliseconds kSlowestReopen{10'000};

std::string object_path(const std::string& unit)
{
    char* encoded = nullptr;
    if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &encoded) < 0) throw std::bad_alloc();
    const std::unique_ptr<char, decltype(&std::free)> owned(encoded, &std::free);
    return encoded;
}

} // namespace

/// What sd-bus carries for us until the answer is there, and deletes with the call.
struct ManagerBus::Waiting {
    ManagerBus& bus;
    Answered answered;
    bool makes_job;
};

ManagerBus::ManagerBus(io::EventLoop& loop, Which which, Hooks hooks)
    : loop_(loop), which_(which), hooks_(std::move(hooks))
{
    auto timer = loop_.add_timer(model::TimePoint::max(), io::Priority::Normal, [this] { open(); });
    auto deferred = loop_.add_deferred(io::Priority::Processes, [this] {
        for (const Answered& answered : std::exchange(refused_, {})) answered({nullptr, {}, "no connection to systemd", ENOTCONN});
    });
    if (!timer || !deferred) {
        hooks_.warn((timer ? deferred : timer).error().message);
        return;
    }
    reopen_ = *std::move(timer);
    deferred_ = *std::move(deferred);
    open();
}

ManagerBus::~ManagerBus()
{
    // Not flushed by sd_bus_unref: what was told last (releasing units) is to arrive.
    if (bus_ != nullptr) sd_bus_flush(bus_);
    sd_bus_close_unref(bus_);
}

void ManagerBus::open()
{
    const int opened = which_ == Which::System ? sd_bus_open_system(&bus_) : sd_bus_open_user(&bus_);
    if (opened >= 0) {
        if (auto prepared = prepare(); prepared) {
            delay_ = std::chrono::milliseconds(0);
            return hooks_.connected();
        } else {
            hooks_.warn(prepared.error().message);
        }
    } else if (delay_.count() == 0) {
        hooks_.warn(base::fail_errno("connecting to systemd", -opened).value().message);
    }
    bus_ = sd_bus_close_unref(bus_);
    delay_ = std::clamp(delay_ * 2, kFirstReopen, kSlowestReopen);
    reopen_.set_time(std::chrono::steady_clock::now() + delay_);
}

base::Result<void> ManagerBus::prepare()
{
    int result = sd_bus_attach_event(bus_, loop_.get(), static_cast<int>(io::Priority::Processes));
    if (result >= 0)
        result = sd_bus_match_signal_async(bus_, nullptr, kService, kPath, kManager, "JobRemoved", on_job_removed, nullptr, this);
    if (result >= 0)
        result = sd_bus_match_signal_async(bus_, nullptr, "org.freedesktop.DBus.Local", nullptr, "org.freedesktop.DBus.Local",
                                           "Disconnected", on_disconnected, nullptr, this);
    if (result < 0) return base::fail_errno("preparing the connection to systemd", -result);
    return {};
}

void ManagerBus::lost()
{
    hooks_.warn("the connection to systemd is gone; the apps run on, connecting again");
    sd_bus_detach_event(bus_);
    bus_ = sd_bus_close_unref(bus_);
    jobs_ = 0;
    job_paths_.clear();
    delay_ = kFirstReopen;
    reopen_.set_time(std::chrono::steady_clock::now() + delay_);
}

BusMessage ManagerBus::manager_call(const char* method)
{
    sd_bus_message* call = nullptr;
    if (bus_ != nullptr) sd_bus_message_new_method_call(bus_, &call, kService, kPath, kManager, method);
    return BusMessage(call);
}

BusMessage ManagerBus::property_call(const std::string& unit, const char* interface, const char* property)
{
    sd_bus_message* call = nullptr;
    if (bus_ == nullptr) return nullptr;
    sd_bus_message_new_method_call(bus_, &call, kService, object_path(unit).c_str(), "org.freedesktop.DBus.Properties", "Get");
    if (call != nullptr) sd_bus_message_append(call, "ss", interface, property);
    return BusMessage(call);
}

void ManagerBus::send(BusMessage call, Answered answered)
{
    line_.push_back({std::move(call), std::move(answered), false});
    pump();
}

void ManagerBus::send_job(BusMessage call, Answered answered, Wanted wanted)
{
    line_.push_back({std::move(call), std::move(answered), true, std::move(wanted)});
    pump();
}

void ManagerBus::tell(BusMessage call)
{
    if (call == nullptr) return;
    sd_bus_message_set_expect_reply(call.get(), 0);
    line_.push_back({std::move(call), nullptr, false});
    pump();
}

void ManagerBus::pump()
{
    while (!line_.empty() && unanswered_ < kMostUnanswered && (!line_.front().makes_job || jobs_ < kMostJobs)) {
        Outgoing outgoing = std::move(line_.front());
        line_.pop_front();
        if (outgoing.wanted && !outgoing.wanted()) continue;
        if (carry_out(outgoing) || !outgoing.answered) continue;
        refused_.push_back(std::move(outgoing.answered));
        deferred_.set_enabled(true);
    }
}

bool ManagerBus::carry_out(Outgoing& outgoing)
{
    if (outgoing.call == nullptr || bus_ == nullptr) return false;
    if (!outgoing.answered) return sd_bus_send(bus_, outgoing.call.get(), nullptr) >= 0;
    auto waiting = std::make_unique<Waiting>(Waiting{*this, outgoing.answered, outgoing.makes_job});
    sd_bus_slot* slot = nullptr;
    if (sd_bus_call_async(bus_, &slot, outgoing.call.get(), on_answer, waiting.get(), kCallTimeoutUsec) < 0) return false;
    sd_bus_slot_set_destroy_callback(slot, [](void* data) { delete static_cast<Waiting*>(data); });
    sd_bus_slot_set_floating(slot, 1);
    (void)waiting.release(); // the slot's now
    sd_bus_slot_unref(slot);
    ++unanswered_;
    if (outgoing.makes_job) ++jobs_;
    return true;
}

/// The answer names the job, whose end on_job_removed() tells; without one there is none.
void ManagerBus::note_job(const Answer& answer)
{
    const char* path = nullptr;
    if (answer.ok() && sd_bus_message_read(answer.reply, "o", &path) >= 0) {
        job_paths_.emplace(path);
        sd_bus_message_rewind(answer.reply, 1); // for who asked
    } else if (jobs_ > 0) { // not those of a connection that was lost
        --jobs_;
    }
}

int ManagerBus::on_answer(sd_bus_message* reply, void* data, sd_bus_error*)
{
    auto& waiting = *static_cast<Waiting*>(data);
    ManagerBus& self = waiting.bus;
    --self.unanswered_;
    Answer answer;
    if (const sd_bus_error* error = sd_bus_message_get_error(reply); error != nullptr) {
        answer.name = error->name != nullptr ? error->name : "";
        answer.message = error->message != nullptr ? error->message : answer.name;
        answer.code = sd_bus_error_get_errno(error);
    } else {
        answer.reply = reply;
    }
    if (waiting.makes_job) self.note_job(answer);
    base::guard([&] { waiting.answered(answer); }, self.hooks_.warn);
    base::guard([&] { self.pump(); }, self.hooks_.warn);
    return 1;
}

int ManagerBus::on_job_removed(sd_bus_message* message, void* data, sd_bus_error*)
{
    auto& self = *static_cast<ManagerBus*>(data);
    std::uint32_t id = 0;
    const char* job = nullptr;
    const char* unit = nullptr;
    const char* result = nullptr;
    if (sd_bus_message_read(message, "uoss", &id, &job, &unit, &result) < 0) return 0;
    if (self.job_paths_.erase(job) > 0) --self.jobs_;
    base::guard([&] { self.hooks_.job_removed(unit, result, job); }, self.hooks_.warn);
    base::guard([&] { self.pump(); }, self.hooks_.warn);
    return 0;
}

int ManagerBus::on_disconnected(sd_bus_message*, void* data, sd_bus_error*)
{
    auto& self = *static_cast<ManagerBus*>(data);
    base::guard([&] { self.lost(); }, self.hooks_.warn);
    return 0;
}

} // namespace pm::launch
