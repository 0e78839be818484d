// SPDX-License-Identifier: Apache-2.0
// org.pmd1.Manager at /org/pmd1. What each call means is said in dbus/org.pmd1.Manager.xml.
#pragma once

#include "bus/context.hpp"
#include "bus/options.hpp"

#include "org.pmd1.Manager-adaptor.hpp"

#include <optional>

namespace pm::bus {

class ManagerObject final
    : public sdbus::AdaptorInterfaces<org::pmd1::Manager_adaptor, sdbus::ObjectManager_adaptor> {
public:
    ManagerObject(sdbus::IConnection& connection, Context& context);
    ~ManagerObject();

private:
    using Paths = std::vector<sdbus::ObjectPath>;
    using PathsResult = sdbus::Result<Paths>;

    void Load(PathsResult&& result, std::string text, std::string origin, OptionMap options) override;
    void LoadFile(PathsResult&& result, std::string path, OptionMap options) override;
    std::vector<sdbus::Struct<std::string, std::string, std::string>>
    Plan(const std::string& text, const std::string& origin, const OptionMap& options) override;
    std::vector<sdbus::Struct<std::string, uint32_t, uint32_t, std::string, std::string>>
    Validate(const std::string& text, const std::string& origin, const OptionMap& options) override;
    void Start(PathsResult&& result, std::string target, OptionMap options) override;
    void Stop(PathsResult&& result, std::string target, OptionMap options) override;
    void Restart(PathsResult&& result, std::string target, OptionMap options) override;
    void Delete(PathsResult&& result, std::string target, OptionMap options) override;
    Paths Reset(const std::string& target, const OptionMap& options) override;
    void Scale(sdbus::Result<uint32_t>&& result, std::string app, std::string count) override;
    uint32_t Signal(const std::string& target, const int32_t& signal) override;
    std::vector<sdbus::Struct<std::string, std::string, uint32_t, uint32_t, uint32_t, std::string, std::string, uint64_t,
                              uint64_t, uint32_t, double, uint64_t, std::string>>
    ListApps(const OptionMap& filter) override;
    std::map<std::string, std::string> GetEnvironment(const uint32_t& id) override;
    sdbus::UnixFd OpenLog(const std::string& target, const OptionMap& options) override;
    void Exit(sdbus::Result<>&& result, OptionMap options) override;

    std::string Version() override;
    std::string Launcher() override;
    std::string Scope() override;
    std::string StateDirectory() override;
    uint32_t Pid() override;
    uint32_t AppCount() override;
    uint32_t InstanceCount() override;

    void operate(engine::Verb verb, PathsResult&& result, const std::string& target, const OptionMap& options);
    /// Takes a place in the caller's quota; answers Busy and returns nothing when it is full.
    template <typename... Results>
    std::optional<Reply<Results...>> accept(sdbus::Result<Results...>&& result);
    base::Result<void> load(const Reply<Paths>& reply, const std::string& text, const std::string& origin,
                            const OptionMap& options);

    Context& context_;
};

} // namespace pm::bus
