// SPDX-License-Identifier: Apache-2.0
// org.pmd1.App, one object per app. What each call means is said in dbus/org.pmd1.App.xml.
#pragma once

#include "bus/authority.hpp"
#include "bus/context.hpp"
#include "bus/options.hpp"

#include "org.pmd1.App-adaptor.hpp"

#include <optional>
#include <string>

namespace pm::bus {

class AppObject final
    : public sdbus::AdaptorInterfaces<org::pmd1::App_adaptor, sdbus::Properties_adaptor, sdbus::ManagedObject_adaptor> {
public:
    AppObject(sdbus::IConnection& connection, Context& context, std::string name);
    ~AppObject();

    /// Emits PropertiesChanged for what differs from what was emitted before; returns of how many instances it tells.
    std::size_t emit_changes();

    /// Whom the app belongs to, and what telling its declaration comes to, roughly; as of its beginning and its last change.
    [[nodiscard]] uid_t owner() const noexcept { return owner_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    void Start(sdbus::Result<>&& result, OptionMap options) override;
    void Stop(sdbus::Result<>&& result, OptionMap options) override;
    void Restart(sdbus::Result<>&& result, OptionMap options) override;
    void Reload(sdbus::Result<>&& result, OptionMap options) override;
    void Delete(sdbus::Result<>&& result, OptionMap options) override;
    void Reset(sdbus::Result<>&& result) override;
    void Scale(sdbus::Result<uint32_t>&& result, std::string count) override;
    void Signal(sdbus::Result<uint32_t>&& result, int32_t signal) override;
    void GetSpec(sdbus::Result<std::string>&& result) override;

    std::string Name() override;
    std::string Namespace() override;
    uint32_t Owner() override;
    std::string Status() override;
    std::string Reason() override;
    std::string Spec() override;
    std::vector<sdbus::Struct<uint32_t, uint32_t, uint32_t, std::string, std::string, uint64_t, uint64_t, uint32_t,
                              std::string, int32_t, uint64_t>>
    Instances() override;
    std::vector<sdbus::Struct<uint32_t, std::string, std::string>> LogFiles() override;
    std::string LogTarget() override;
    uint64_t CreatedAtUSec() override;
    std::vector<std::string> Warnings() override;
    std::string Cluster() override;
    std::vector<std::string> Listening() override;
    bool Watches() override;
    std::uint64_t WatchedDirectories() override;
    std::string ReloadHint() override;

    void operate(engine::Verb verb, sdbus::Result<>&& result, OptionMap options);
    /// Has `body(reply, grant)` run when the call that is being handled may do what it wishes to this app.
    template <typename... Results, typename Body>
    void serve(sdbus::Result<Results...>&& result, Wish wish, Body&& body);
    /// A target that means this app and nothing else, whatever its name looks like.
    [[nodiscard]] std::string target() const;
    [[nodiscard]] model::AppSnapshot snapshot();
    void note_size();

    Context& context_;
    std::string name_;
    uid_t owner_ = 0;
    std::size_t bytes_ = 0;
    std::string emitted_status_;
    std::string emitted_reason_;
    std::string emitted_namespace_;
    std::string emitted_log_target_;
    std::shared_ptr<const model::AppSpec> emitted_spec_;
};

} // namespace pm::bus
