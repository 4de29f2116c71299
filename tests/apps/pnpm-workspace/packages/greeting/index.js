module.exports = () => "hello from a workspace\n";
