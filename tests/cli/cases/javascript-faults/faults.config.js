module.exports = { apps: [{ name: "a", script: "sleep", instances: "many", watch: true }, { name: "a", script: "sleep" }] };
