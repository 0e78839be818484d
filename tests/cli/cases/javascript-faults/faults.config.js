module.exports = { apps: [{ name: "a", script: "sleep", instances: "many", watch: "/" }, { name: "a", script: "sleep" }] };
