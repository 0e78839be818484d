// SPDX-License-Identifier: Apache-2.0
// org.pmd1.Manager at /org/pmd1. What each call means is said in dbus/org.pmd1.Manager.xml.
#pragma once

#include "bus/context.hpp"
#include "bus/custom.hpp"
#include "bus/load.hpp"
#include "bus/options.hpp"

#include "org.pmd1.Manager-adaptor.hpp"
#include "logs/log_store.hpp"

#include <optional>

namespace pm::bus {

class ManagerObject final : public sdbus::AdaptorInterfaces<org::pmd1::Manager_adaptor, sdbus::ObjectManager_adaptor> {
public:
    ManagerObject(sdbus::IConnection& connection, Context& context);
    ~ManagerObject();

private:
    using PathsResult = sdbus::Result<Paths>;

    void Load(PathsResult&& result, std::string text, std::string origin, OptionMap options) override;
    void LoadFile(PathsResult&& result, std::string path, OptionMap options) override;
    void Plan(sdbus::Result<std::vector<PlanRow>>&& result, std::string text, std::string origin,
              OptionMap options) override;
    std::vector<sdbus::Struct<std::string, uint32_t, uint32_t, std::string, std::string>>
    Validate(const std::string& text, const std::string& origin, const OptionMap& options) override;
    void Start(PathsResult&& result, std::string target, OptionMap options) override;
    void Stop(PathsResult&& result, std::string target, OptionMap options) override;
    void Restart(PathsResult&& result, std::string target, OptionMap options) override;
    void Reload(PathsResult&& result, std::string target, OptionMap options) override;
    void Delete(PathsResult&& result, std::string target, OptionMap options) override;
    void Reset(PathsResult&& result, std::string target, OptionMap options) override;
    void Watch(PathsResult&& result, std::string target, bool on) override;
    void RotateLogs(PathsResult&& result, std::string target) override;
    void FlushLogs(PathsResult&& result, std::string target) override;
    void ReopenLogs(PathsResult&& result, std::string target) override;
    void Scale(sdbus::Result<uint32_t>&& result, std::string app, std::string count) override;
    void Signal(sdbus::Result<uint32_t>&& result, std::string target, int32_t signal) override;
    void SendMessage(sdbus::Result<uint32_t>&& result, std::string target, std::string json) override;
    void Trigger(sdbus::Result<std::vector<ReplyRow>>&& result, std::string target, std::string action, std::string params,
                 OptionMap options) override;
    void GetMetrics(sdbus::Result<std::vector<MetricRow>>&& result, uint32_t id) override;
    void GetActions(sdbus::Result<std::vector<ActionRow>>&& result, uint32_t id) override;
    std::vector<sdbus::Struct<std::string, std::string, uint32_t, uint32_t, uint32_t, std::string, std::string,
                              uint64_t, uint64_t, uint32_t, double, uint64_t, std::string>>
    ListApps(const OptionMap& filter) override;
    void GetEnvironment(sdbus::Result<std::map<std::string, std::string>>&& result, uint32_t id) override;
    void OpenLog(sdbus::Result<sdbus::UnixFd>&& result, std::string target, OptionMap options) override;
    void OpenMessages(sdbus::Result<sdbus::UnixFd>&& result, std::string target, OptionMap options) override;
    void Save(sdbus::Result<uint32_t>&& result, OptionMap options) override;
    void Resurrect(PathsResult&& result, OptionMap options) override;
    void Upgrade(sdbus::Result<>&& result, OptionMap options) override;
    void Exit(sdbus::Result<>&& result, OptionMap options) override;

    std::string Version() override;
    std::string Launcher() override;
    std::string Scope() override;
    std::string StateDirectory() override;
    uint32_t Pid() override;
    uint32_t AppCount() override;
    uint32_t InstanceCount() override;

    void operate(engine::Verb verb, PathsResult&& result, const std::string& target, OptionMap options);
    void act_on_logs(PathsResult&& result, const std::string& target, const char* doing, logs::LogStore::FileAction action);
    /// Has `body(reply, grant)` run when the call that is being handled may do what it wishes.
    template <typename... Results, typename Body>
    void serve(sdbus::Result<Results...>&& result, const Wish& wish, Body&& body);
    /// Has `body(reply, id)` answer what is asked about the instance `number`, when the caller may know it.
    template <typename Result, typename Body>
    void tell_private(sdbus::Result<Result>&& result, const char* verb, uint32_t number, Body&& body);
    /// What the call that is being handled brings.
    std::shared_ptr<const Delivery> receive(std::string text, std::string origin, OptionMap options);

    Context& context_;
};

} // namespace pm::bus
