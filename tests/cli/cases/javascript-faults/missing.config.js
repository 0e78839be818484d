
require("a-module-of-nobody");
