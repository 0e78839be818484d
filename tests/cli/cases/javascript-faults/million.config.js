module.exports = { apps: Array.from({ length: 1e6 }, (_, i) => ({ name: `a${i}`, script: "sleep" })) };
