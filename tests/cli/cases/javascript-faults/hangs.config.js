require("child_process").execSync("sleep 1000");
module.exports = {};
