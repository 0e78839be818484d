const app = { name: "a", script: "sleep", env: {} };
app.env.SELF = app;
module.exports = [app];
