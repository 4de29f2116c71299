// Package words is what one module of the workspace offers to another.
package words

// Greeting says where it comes from.
const Greeting = "hello from a module beside it"
