// SPDX-License-Identifier: Apache-2.0
#include "launch/systemd/append_property.hpp"

#include <cstddef>

namespace pm::launch {
namespace {

/// Appends values to a message until one fails.
class Appender {
public:
    explicit Appender(sd_bus_message* message) : message_(message) {}

    [[nodiscard]] int result() const noexcept { return result_; }

    template <typename... Arguments>
    void basic(const char* types, Arguments... arguments)
    {
        if (result_ >= 0) result_ = sd_bus_message_append(message_, types, arguments...);
    }
    void bytes(const std::vector<std::uint8_t>& value)
    {
        if (result_ >= 0) result_ = sd_bus_message_append_array(message_, 'y', value.data(), value.size());
    }
    template <typename Body>
    void container(char type, const char* contents, Body&& body)
    {
        if (result_ >= 0) result_ = sd_bus_message_open_container(message_, type, contents);
        body();
        if (result_ >= 0) result_ = sd_bus_message_close_container(message_);
    }
    /// An array of structs; `element` appends the fields of one.
    template <typename Element, typename Append>
    void structs(const char* contents, const std::vector<Element>& elements, Append&& element)
    {
        const std::string type = std::string("(") + contents + ")";
        container('a', type.c_str(), [&] {
            for (const Element& one : elements) container('r', contents, [&] { element(one); });
        });
    }

    void operator()(bool value) { basic("b", static_cast<int>(value)); }
    void operator()(std::int32_t value) { basic("i", value); }
    void operator()(std::uint32_t value) { basic("u", value); }
    void operator()(std::uint64_t value) { basic("t", value); }
    void operator()(const std::string& value) { basic("s", value.c_str()); }
    void operator()(const std::vector<std::string>& values)
    {
        container('a', "s", [&] {
            for (const std::string& value : values) basic("s", value.c_str());
        });
    }
    void operator()(const std::vector<std::uint8_t>& value) { bytes(value); }
    void operator()(const model::NameFilter& filter)
    {
        container('r', "bas", [&] {
            (*this)(filter.only);
            (*this)(filter.names);
        });
    }
    void operator()(const model::LenientText& value)
    {
        container('r', "bs", [&] { basic("bs", static_cast<int>(value.optional), value.text.c_str()); });
    }
    void operator()(const std::vector<model::TextPair>& pairs)
    {
        structs("ss", pairs, [&](const model::TextPair& one) { basic("ss", one.first.c_str(), one.second.c_str()); });
    }
    void operator()(const std::vector<model::TextNumber>& numbers)
    {
        structs("st", numbers, [&](const model::TextNumber& one) { basic("st", one.text.c_str(), one.number); });
    }
    void operator()(const std::vector<model::Symlink>& links)
    {
        structs("sst", links,
                [&](const model::Symlink& one) { basic("sst", one.target.c_str(), one.link.c_str(), one.flags); });
    }
    void operator()(const std::vector<model::BindMount>& mounts)
    {
        structs("ssbt", mounts, [&](const model::BindMount& one) {
            basic("ssbt", one.source.c_str(), one.destination.c_str(), static_cast<int>(one.optional), one.flags);
        });
    }
    void operator()(const std::vector<model::AddressPrefix>& prefixes)
    {
        structs("iayu", prefixes, [&](const model::AddressPrefix& one) {
            basic("i", one.family);
            bytes(one.address);
            basic("u", one.length);
        });
    }
    void operator()(const std::vector<model::PortRule>& rules)
    {
        structs("iiqq", rules, [&](const model::PortRule& one) {
            // Narrow integers go through the varargs as int, which is what sd-bus takes for 'q'.
            basic("iiqq", one.family, one.protocol, static_cast<int>(one.count), static_cast<int>(one.first));
        });
    }
    void operator()(const std::vector<model::NamedBytes>& all)
    {
        structs("say", all, [&](const model::NamedBytes& one) {
            basic("s", one.name.c_str());
            bytes(one.bytes);
        });
    }

private:
    sd_bus_message* message_;
    int result_ = 0;
};

} // namespace

int append(sd_bus_message* message, const model::UnitProperty& property)
{
    Appender appender(message);
    appender.container('r', "sv", [&] {
        appender.basic("s", property.name.c_str());
        const std::string type(model::signature(property.value));
        appender.container('v', type.c_str(), [&] { std::visit(appender, property.value); });
    });
    return appender.result();
}

} // namespace pm::launch
