console.log("name action why");
module.exports = { apps: [{ name: "a", script: "sleep", args: 1000 }] };
