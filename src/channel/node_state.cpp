// SPDX-License-Identifier: Apache-2.0
#include "channel/node_state.hpp"

#include <nlohmann/json.hpp>

namespace pm::channel {
namespace {

// CBOR: lines may be cut in the middle of a character, which is no text for JSON.
using Json = nlohmann::json;

/// The member of that name when it has the type of `value`, which stays otherwise.
template <typename Value>
void get(const Json& from, const char* name, Value& value)
{
    const auto found = from.find(name);
    if (found == from.end()) return;
    try {
        found->get_to(value);
    } catch (const Json::exception&) { // written by another version
    }
}

const Json& list_of(const Json& from, const char* name)
{
    static const Json none = Json::array();
    if (!from.is_object()) return none;
    const auto found = from.find(name);
    return found != from.end() && found->is_array() ? *found : none;
}

Json to_json(const NodeParcel& parcel)
{
    return {{"text", parcel.text},     {"number", parcel.number},     {"key", parcel.key},
            {"stored", parcel.stored}, {"internal", parcel.internal}, {"tries", parcel.tries}};
}

NodeParcel parcel_from(const Json& from)
{
    NodeParcel parcel;
    get(from, "text", parcel.text);
    get(from, "number", parcel.number);
    get(from, "key", parcel.key);
    get(from, "stored", parcel.stored);
    get(from, "internal", parcel.internal);
    get(from, "tries", parcel.tries);
    return parcel;
}

/// A connection on its way is not in the depot: what a pmd that dies has accepted dies with it.
Json to_json(const NodeLink::State& link)
{
    Json queue = Json::array();
    bool sent = link.sent;
    for (const NodeParcel& parcel : link.queue) {
        if (!parcel.connection)
            queue.push_back(to_json(parcel));
        else if (&parcel == &link.queue.front())
            sent = false;
    }
    return {{"marked", link.marked}, {"begun", link.begun}, {"unsent", link.unsent}, {"sent", sent}, {"queue", queue}};
}

NodeLink::State link_from(const Json& from)
{
    NodeLink::State link;
    get(from, "marked", link.marked);
    get(from, "begun", link.begun);
    get(from, "unsent", link.unsent);
    get(from, "sent", link.sent);
    for (const Json& parcel : list_of(from, "queue")) link.queue.push_back(parcel_from(parcel));
    return link;
}

Json to_json(const std::map<std::string, model::CustomAction>& actions)
{
    Json list = Json::array();
    for (const auto& [name, action] : actions)
        list.push_back({{"name", name}, {"type", action.type}, {"arity", action.arity}, {"comment", action.comment}});
    return list;
}

std::map<std::string, model::CustomAction> actions_from(const Json& list)
{
    std::map<std::string, model::CustomAction> actions;
    for (const Json& from : list) {
        std::string name;
        get(from, "name", name);
        model::CustomAction& action = actions[name];
        get(from, "type", action.type);
        get(from, "arity", action.arity);
        get(from, "comment", action.comment);
    }
    return actions;
}

Json to_json(const KeptWorker& worker)
{
    return {{"id", worker.key.id.value},     {"generation", worker.key.generation.value},
            {"unique_id", worker.unique_id}, {"online", worker.online},
            {"listens", worker.listens},     {"dismissed", worker.dismissed},
            {"held", worker.held},           {"addresses", worker.addresses},
            {"actions", to_json(worker.actions)},
            {"link", to_json(worker.link)}};
}

KeptWorker worker_from(const Json& from)
{
    KeptWorker worker;
    get(from, "id", worker.key.id.value);
    get(from, "generation", worker.key.generation.value);
    get(from, "unique_id", worker.unique_id);
    get(from, "online", worker.online);
    get(from, "listens", worker.listens);
    get(from, "dismissed", worker.dismissed);
    get(from, "held", worker.held);
    get(from, "addresses", worker.addresses);
    worker.actions = actions_from(list_of(from, "actions"));
    if (const auto link = from.find("link"); link != from.end()) worker.link = link_from(*link);
    return worker;
}

Json to_json(const ClusterSocket& socket)
{
    Json json = {{"app", socket.app},
                 {"place", socket.place},
                 {"borrowed", socket.borrowed},
                 {"turns", socket.turns},
                 {"reuseport", socket.address.reuseport},
                 {"data", socket.data},
                 {"kind", static_cast<int>(socket.address.kind)},
                 {"host", socket.address.host}};
    if (const auto& owner = socket.owner)
        json["owner"] = {{"uid", owner->uid}, {"gid", owner->gid}, {"groups", owner->groups}, {"name", owner->name}};
    return json;
}

ClusterSocket socket_from(const Json& from)
{
    ClusterSocket socket;
    get(from, "app", socket.app);
    get(from, "place", socket.place);
    get(from, "borrowed", socket.borrowed);
    get(from, "turns", socket.turns);
    get(from, "reuseport", socket.address.reuseport);
    get(from, "data", socket.data);
    get(from, "host", socket.address.host);
    int kind = 0;
    get(from, "kind", kind);
    if (kind >= 0 && kind <= static_cast<int>(model::ListenAddress::Kind::Abstract))
        socket.address.kind = static_cast<model::ListenAddress::Kind>(kind);
    if (const auto owner = from.find("owner"); owner != from.end()) {
        model::Identity identity = *model::not_known_yet(""); // rather no rights than pmd's
        get(*owner, "uid", identity.uid);
        get(*owner, "gid", identity.gid);
        get(*owner, "groups", identity.groups);
        get(*owner, "name", identity.name);
        socket.owner = std::make_shared<const model::Identity>(std::move(identity));
    }
    return socket;
}

} // namespace

std::string to_bytes(const NodeState& state)
{
    Json workers = Json::array(), sockets = Json::array();
    for (const KeptWorker& worker : state.workers) workers.push_back(to_json(worker));
    for (const ClusterSocket& socket : state.sockets) sockets.push_back(to_json(socket));
    std::string bytes;
    Json::to_cbor({{"last_id", state.last_id}, {"workers", workers}, {"sockets", sockets}}, bytes);
    return bytes;
}

NodeState state_from(std::string_view bytes)
{
    NodeState state;
    const Json from = Json::from_cbor(bytes, true, false);
    if (!from.is_object()) return state;
    get(from, "last_id", state.last_id);
    for (const Json& worker : list_of(from, "workers"))
        if (worker.is_object()) state.workers.push_back(worker_from(worker));
    for (const Json& socket : list_of(from, "sockets"))
        if (socket.is_object()) state.sockets.push_back(socket_from(socket));
    return state;
}

} // namespace pm::channel
